/** Where what has left for the archive stands, and under which names it is found. */
export const archive = `
CREATE TABLE archive_segments (
  number INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('receipts', 'payments')),
  file TEXT NOT NULL,
  start INTEGER NOT NULL CHECK (start >= 0),
  bytes INTEGER NOT NULL CHECK (bytes > 0),
  hash TEXT NOT NULL,
  entries INTEGER NOT NULL CHECK (entries > 0),
  first_place INTEGER NOT NULL,
  last_place INTEGER NOT NULL,
  oldest INTEGER NOT NULL,
  newest INTEGER NOT NULL
) STRICT;

CREATE TABLE archive_names (
  name INTEGER NOT NULL,
  segment INTEGER NOT NULL REFERENCES archive_segments (number),
  PRIMARY KEY (name, segment)
) STRICT, WITHOUT ROWID;
`
