# One image for workers and producer; docs/infrastructure.md says how to build and push it.
# The base is pinned by its digest where you give one:
#   docker build --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:DIGEST .
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /src
# Dependencies by the lock, each held to its hash; they change less often than the code.
COPY pyproject.toml uv.lock ./
RUN uv export --frozen --no-dev --no-emit-project --extra gcp --extra telemetry --output-file /requirements.txt
RUN uv export --frozen --only-group dev --no-emit-project --output-file /build-requirements.txt
RUN uv venv /app
RUN uv pip install --python /app/bin/python --require-hashes --compile-bytecode --requirement /requirements.txt
COPY README.md LICENSE ./
COPY tasks tasks
COPY sightline sightline
COPY producer producer
COPY worker worker
RUN uv build --wheel --out-dir /dist --build-constraints /build-requirements.txt --require-hashes
RUN uv pip install --python /app/bin/python --no-deps --compile-bytecode /dist/*.whl

FROM ${PYTHON_IMAGE}
# What installs software is not needed by what is installed.
RUN rm -rf /usr/local/lib/python3*/site-packages/* /usr/local/bin/pip*
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sightline
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SIGHTLINE_WORKER__HEARTBEAT_FILE=/tmp/heartbeat
WORKDIR /tmp
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=20s --timeout=10s --start-period=60s CMD ["python", "-m", "worker.heartbeat", "/tmp/heartbeat"]
# No shell in between: SIGTERM reaches Python.
ENTRYPOINT ["python"]
CMD ["-m", "worker"]
