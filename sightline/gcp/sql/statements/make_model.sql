-- A remote model: a name in a dataset for a model of Vertex AI, asked as the connection's account.
CREATE OR REPLACE MODEL {model}
REMOTE WITH CONNECTION `{connection}`
OPTIONS (ENDPOINT = {endpoint})
