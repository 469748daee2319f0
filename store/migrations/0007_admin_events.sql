-- Copyright The Durward Authors.
-- SPDX-License-Identifier: Apache-2.0

-- Changes that people made, until a gateway has them in its audit log. A row is
-- written in the transaction of its change. It is handed to one gateway at a
-- time (taker, since taken), in the order of the ids, and deleted once it is
-- recorded.
CREATE TABLE admin_events (
	id    INTEGER PRIMARY KEY AUTOINCREMENT,
	event TEXT NOT NULL CHECK (event != ''),
	taker TEXT NOT NULL DEFAULT '',
	taken INTEGER NOT NULL DEFAULT 0
) STRICT;
