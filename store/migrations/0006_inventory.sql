-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

-- What was called of an API, as one JSON object. It is no part of what nodes
-- answer requests by, so changing it raises no revision.
CREATE TABLE inventory (
	api     TEXT PRIMARY KEY CHECK (api != ''),
	seen    BLOB NOT NULL,
	changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
