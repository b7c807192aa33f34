// Names, numbers, dates and answers as people read them.

const NUMBER = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `ASSET_CLASS_ROAD_SIGN` and `road_sign` as "Road sign". */
export function plain(name) {
  const words = name.replace(/^ASSET_CLASS_/, "").replaceAll("_", " ").toLowerCase().trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export const count = (number) => NUMBER.format(number);
export const shortCount = (number) => SHORT.format(number);
export const images = (number) => `${count(number)} ${number === 1 ? "image" : "images"}`;

/** An ISO time as "14 Mar 2025", in the zone it is written in. */
export function day(iso) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso ?? "");
  return parts ? `${Number(parts[3])} ${MONTHS[Number(parts[2]) - 1]} ${parts[1]}` : "";
}

/** An ISO time as "14 Mar 2025, 14:33 UTC". */
export function moment(iso) {
  const time = /T(\d{2}:\d{2})/.exec(iso ?? "");
  if (!time) return day(iso);
  const zone = /(?:Z|[+-]00:00)$/.test(iso) ? " UTC" : ` ${/[+-]\d{2}:\d{2}$/.exec(iso)?.[0] ?? ""}`;
  return `${day(iso)}, ${time[1]}${zone.trimEnd()}`;
}

/** `2025-03` as "Mar 2025". */
export function month(value) {
  const [year, number] = value.split("-");
  return MONTHS[Number(number) - 1] ? `${MONTHS[Number(number) - 1]} ${year}` : value;
}

/** US dollars with as many digits as it takes to see the first two. */
export function dollars(amount) {
  if (amount === null || amount === undefined) return "unknown";
  const digits = amount === 0 || Math.abs(amount) >= 0.01 ? 2 : Math.min(8, 1 - Math.floor(Math.log10(Math.abs(amount))));
  return `$${amount.toFixed(digits)}`;
}

/** Milliseconds as "192 ms" or "2.4 s". */
export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "unknown";
  return milliseconds < 1000 ? `${milliseconds} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

export const metres = (distance) =>
  distance < 1000 ? `${Math.round(distance)} m` : `${(distance / 1000).toFixed(1)} km`;

/** Degrees from north as "34° NE". */
export function heading(degrees) {
  const winds = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
  const positive = ((degrees % 360) + 360) % 360;
  return `${Math.round(positive)}° ${winds[Math.round(positive / 45) % 8]}`;
}

/** A value of an answer in words; an empty text if it says nothing. */
export function value(answer) {
  if (answer === null || answer === undefined || answer === "unknown") return "";
  if (answer === true) return "yes";
  if (answer === false) return "no";
  if (typeof answer === "number") return count(answer);
  if (Array.isArray(answer)) return answer.map(value).filter(Boolean).join(", ");
  if (typeof answer === "object") return Object.values(answer).map(value).filter(Boolean).join(" ");
  return /^[a-z0-9]+(_[a-z0-9]+)+$/.test(answer) ? answer.replaceAll("_", " ") : answer;
}

/** What an answer says: its values, and the names of what is true. */
export function answerParts(answer) {
  const parts = Object.entries(answer).map(([field, content]) => {
    if (content === true) return plain(field.replace(/^(has|is)_/, "")).toLowerCase();
    return content === false ? "" : value(content);
  });
  return parts.map((part) => part.trim()).filter(Boolean);
}
