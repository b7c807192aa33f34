-- Creates a remote model: a name in a dataset for a Vertex AI model, called with the connection's
-- account.
CREATE OR REPLACE MODEL {model}
REMOTE WITH CONNECTION `{connection}`
OPTIONS (ENDPOINT = {endpoint})
