/** Where what has left for the archive stands, and under which names it is found. */
export const archive = `
CREATE TABLE archive_segments (
  number bigint PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('receipts', 'payments')),
  file text NOT NULL,
  start bigint NOT NULL CHECK (start >= 0),
  bytes bigint NOT NULL CHECK (bytes > 0),
  hash text NOT NULL,
  entries bigint NOT NULL CHECK (entries > 0),
  first_place bigint NOT NULL,
  last_place bigint NOT NULL,
  oldest bigint NOT NULL,
  newest bigint NOT NULL
);

CREATE TABLE archive_names (
  name bigint NOT NULL,
  segment bigint NOT NULL,
  PRIMARY KEY (name, segment)
);
`
