/**
 * The first schema, with the tables and columns of the SQLite adapter's. Whole numbers are bigint, flags 0 or 1; what a
 * stranger may price at will (a refused amount, atomic units) is text, because it can need 256 bits. The CHECKs repeat
 * what the code decides: a fault there fails instead of overspending. The tables that each payment writes have no foreign
 * keys: each would cost a look-up and a lock per row, and the session is locked already by whoever writes.
 *
 * session_counts: sessions by status and, where they are open, by the hour of their end, so that nobody has to look at all
 * of them; a few rows each, so that who opens sessions at the same time seldom waits. exhausted: of its own, because an
 * index over balances would be written with each payment.
 *
 * lanes: how many transactions a run has committed on each of its connections. Every write moves its lane's number on, so
 * the row is the fence (a run that was declared ended finds its lanes closed), the answer to a commit whose outcome was
 * lost, and what a server that was restored or deposed lacks.
 */
export const initial = `
CREATE SEQUENCE sessions_seq;
CREATE TABLE sessions (
  id text PRIMARY KEY,
  seq bigint NOT NULL UNIQUE DEFAULT nextval('sessions_seq'),
  token_hash text NOT NULL UNIQUE,
  name text UNIQUE,
  agent text NOT NULL,
  purpose text NOT NULL,
  currency text NOT NULL,
  cap bigint NOT NULL CHECK (cap >= 0),
  spent bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
  held bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
  payments bigint NOT NULL DEFAULT 0 CHECK (payments >= 0),
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed', 'revoked')),
  limits text NOT NULL,
  scope text NOT NULL,
  networks text NOT NULL,
  assets text NOT NULL,
  wallet text,
  owner text NOT NULL,
  parent text REFERENCES sessions (id),
  single_use bigint NOT NULL CHECK (single_use IN (0, 1)),
  labels text NOT NULL,
  refill text,
  refills bigint NOT NULL DEFAULT 0 CHECK (refills >= 0),
  threshold bigint NOT NULL DEFAULT 0,
  chain_number bigint NOT NULL DEFAULT 0,
  chain_hash text NOT NULL,
  exhausted bigint GENERATED ALWAYS AS ((cap - spent - held = 0)::int::bigint) STORED,
  CHECK (spent + held <= cap)
) WITH (fillfactor = 60);
CREATE INDEX sessions_parent ON sessions (parent, seq) WHERE parent IS NOT NULL;
CREATE INDEX sessions_open ON sessions (expires_at) WHERE status = 'open';
CREATE INDEX sessions_exhausted ON sessions (expires_at) WHERE exhausted = 1;

CREATE TABLE session_counts (
  status text NOT NULL,
  hour bigint NOT NULL,
  slot bigint NOT NULL,
  sessions bigint NOT NULL,
  PRIMARY KEY (status, hour, slot)
) WITH (fillfactor = 60);

CREATE TABLE admin_keys (
  key text PRIMARY KEY,
  operation text NOT NULL,
  digest text NOT NULL,
  session_id text NOT NULL
);

CREATE SEQUENCE payments_seq;
CREATE TABLE payments (
  id text PRIMARY KEY,
  seq bigint NOT NULL UNIQUE DEFAULT nextval('payments_seq'),
  run_id text NOT NULL,
  purchase_id text,
  fingerprint text,
  key_digest text,
  purchase_open bigint NOT NULL DEFAULT 0 CHECK (purchase_open IN (0, 1)),
  holder text NOT NULL DEFAULT 'none' CHECK (holder IN ('live', 'orphan', 'none')),
  holder_run text,
  lease_until bigint,
  session_id text NOT NULL,
  agent text NOT NULL,
  state text NOT NULL CHECK (state IN ('denied', 'awaiting_veto', 'awaiting_approval', 'reserved', 'signed', 'sent',
    'settled', 'void', 'unknown', 'expired')),
  code text,
  request_id text NOT NULL,
  method text NOT NULL,
  url text NOT NULL,
  origin text NOT NULL,
  host text NOT NULL,
  challenge_digest text NOT NULL,
  context text,
  tool text,
  task text,
  "user" text,
  justification text,
  tier text NOT NULL,
  rule text NOT NULL,
  reason text NOT NULL,
  policy_version text NOT NULL,
  would_be text,
  categories text NOT NULL,
  trust text,
  rail text,
  protocol_version bigint,
  scheme text,
  network text,
  asset_symbol text,
  asset_address text,
  asset_decimals bigint,
  amount_atomic text,
  price_key text,
  amount text,
  currency text,
  pay_to text,
  payer text,
  flow text,
  nonce text UNIQUE,
  valid_before bigint,
  headers text,
  signature text,
  tx text,
  settlement text,
  evidence text CHECK (evidence IN ('claimed', 'confirmed', 'operator')),
  block text,
  denied bigint NOT NULL DEFAULT 0 CHECK (denied IN (0, 1)),
  dispute text CHECK (dispute IN ('settled_though_denied', 'settled_not_delivered', 'taken_otherwise')),
  refunded bigint NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  delivered bigint NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1)),
  delivery text,
  charges text,
  concluded bigint NOT NULL DEFAULT 0,
  challenged_at bigint NOT NULL,
  decided_at bigint NOT NULL,
  reserved_at bigint,
  signed_at bigint,
  sent_at bigint,
  concluded_at bigint,
  delivered_at bigint,
  reopened_at bigint,
  check_at bigint,
  resolver_run text,
  resolver_until bigint,
  count bigint NOT NULL DEFAULT 1
) WITH (fillfactor = 80);
CREATE INDEX payments_session ON payments (session_id, seq);
CREATE INDEX payments_agent ON payments (agent, seq);
CREATE INDEX payments_task ON payments (task, session_id, seq) WHERE task IS NOT NULL;
CREATE INDEX payments_tool ON payments (tool, seq) WHERE tool IS NOT NULL;
CREATE INDEX payments_tier ON payments (tier, seq);
CREATE INDEX payments_recipient ON payments (lower(pay_to));
CREATE INDEX payments_host ON payments (lower(host));
CREATE UNIQUE INDEX payments_keyed ON payments (key_digest, session_id) WHERE purchase_open = 1 AND key_digest IS NOT NULL;
CREATE INDEX payments_unkeyed ON payments (fingerprint) WHERE purchase_open = 1 AND key_digest IS NULL;
CREATE INDEX payments_unresolved ON payments (state, session_id) WHERE state IN ('reserved', 'signed', 'sent', 'unknown');
CREATE INDEX payments_rare ON payments (state, seq) WHERE state IN ('denied', 'void', 'expired');
CREATE INDEX payments_due ON payments (check_at, seq) WHERE check_at IS NOT NULL;
CREATE INDEX payments_price ON payments (price_key, reserved_at, amount) WHERE state = 'settled';
CREATE INDEX payments_owed ON payments (session_id) WHERE state = 'settled' AND delivered = 0 AND dispute IS NULL;
CREATE INDEX payments_disputed ON payments (dispute, seq) WHERE dispute IS NOT NULL;
CREATE INDEX payments_made ON payments (session_id, reserved_at) WHERE reserved_at IS NOT NULL;
CREATE INDEX payments_context ON payments USING gin ((context::jsonb) jsonb_path_ops) WHERE context IS NOT NULL;
CREATE INDEX payments_decided ON payments (decided_at, seq);
CREATE INDEX payments_refunded ON payments (seq) WHERE refunded > 0;

CREATE TABLE spending (
  session_id text NOT NULL,
  bucket text NOT NULL,
  amount bigint NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (session_id, bucket)
) WITH (fillfactor = 60);

CREATE TABLE rolling (
  series text NOT NULL,
  ordinal bigint NOT NULL,
  at bigint NOT NULL,
  amount bigint NOT NULL CHECK (amount > 0),
  total bigint NOT NULL,
  void bigint NOT NULL DEFAULT 0 CHECK (void IN (0, 1)),
  PRIMARY KEY (series, ordinal)
);
CREATE INDEX rolling_at ON rolling (series, at, ordinal);
CREATE INDEX rolling_void ON rolling (series, ordinal) WHERE void = 1;

CREATE TABLE rolling_heads (
  series text PRIMARY KEY,
  ordinal bigint NOT NULL,
  total bigint NOT NULL,
  at bigint NOT NULL
) WITH (fillfactor = 60);

CREATE TABLE pins (
  origin text NOT NULL,
  network text NOT NULL,
  pay_to text NOT NULL,
  at bigint NOT NULL,
  uses bigint NOT NULL CHECK (uses >= 0),
  PRIMARY KEY (origin, network)
) WITH (fillfactor = 60);

CREATE TABLE dealings (
  agent text NOT NULL,
  origin text NOT NULL,
  network text NOT NULL,
  pay_to text NOT NULL,
  last bigint NOT NULL,
  PRIMARY KEY (agent, origin, network, pay_to)
);
CREATE INDEX dealings_last ON dealings (agent, origin, network, last);

CREATE TABLE refusal_runs (
  session_id text NOT NULL,
  digest text NOT NULL,
  payment_id text NOT NULL,
  began_at bigint NOT NULL,
  count bigint NOT NULL,
  recorded bigint NOT NULL,
  PRIMARY KEY (session_id, digest)
);

CREATE SEQUENCE receipts_seq;
CREATE TABLE receipts (
  session_id text NOT NULL,
  number bigint NOT NULL,
  seq bigint NOT NULL UNIQUE DEFAULT nextval('receipts_seq'),
  id text NOT NULL,
  payment_id text NOT NULL,
  agent text NOT NULL,
  kind text NOT NULL,
  at bigint NOT NULL,
  body text NOT NULL,
  hash text NOT NULL,
  PRIMARY KEY (session_id, number)
);
CREATE INDEX receipts_agent ON receipts (agent, seq);
CREATE INDEX receipts_payment ON receipts (payment_id);
CREATE INDEX receipts_at ON receipts (at, seq);
CREATE INDEX receipts_refused ON receipts (seq) WHERE kind = 'refusal';

CREATE TABLE refunds (
  source text PRIMARY KEY,
  payment_id text NOT NULL,
  amount_atomic text NOT NULL,
  evidence text NOT NULL,
  entered_by text NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX refunds_payment ON refunds (payment_id);

CREATE TABLE corrections (
  payment_id text PRIMARY KEY,
  outcome text NOT NULL CHECK (outcome IN ('settled', 'void')),
  tx text,
  evidence text NOT NULL,
  entered_by text NOT NULL,
  at bigint NOT NULL
);

CREATE TABLE kept_answers (
  payment_id text PRIMARY KEY,
  seq bigint NOT NULL UNIQUE GENERATED BY DEFAULT AS IDENTITY,
  sealed bytea NOT NULL,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  expires_at bigint NOT NULL
);
CREATE INDEX kept_answers_bytes ON kept_answers (seq, bytes);
CREATE INDEX kept_answers_expires ON kept_answers (expires_at);

CREATE TABLE scans (
  network text NOT NULL,
  wallet text NOT NULL,
  block text NOT NULL,
  PRIMARY KEY (network, wallet)
);

CREATE TABLE checkpoints (
  number bigint PRIMARY KEY,
  at bigint NOT NULL,
  receipts bigint NOT NULL,
  body text NOT NULL,
  signature text NOT NULL
);

CREATE TABLE meta (
  key text PRIMARY KEY,
  value text NOT NULL
);

CREATE TABLE policies (
  version text PRIMARY KEY,
  text text NOT NULL,
  since bigint NOT NULL
);

CREATE TABLE daily_reports (
  date text PRIMARY KEY,
  final bigint NOT NULL CHECK (final IN (0, 1)),
  made_at bigint NOT NULL,
  body text NOT NULL
);
CREATE INDEX daily_reports_unclosed ON daily_reports (date) WHERE final = 0;

CREATE TABLE approvals (
  id text PRIMARY KEY,
  seq bigint NOT NULL UNIQUE GENERATED BY DEFAULT AS IDENTITY,
  session_id text NOT NULL,
  agent text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('approval', 'veto')),
  state text NOT NULL CHECK (state IN ('pending', 'approved', 'passed', 'used', 'denied', 'vetoed', 'expired', 'withdrawn')),
  digest text NOT NULL,
  payment_id text NOT NULL UNIQUE,
  due_at bigint,
  version bigint NOT NULL CHECK (version > 0),
  body text NOT NULL
);
CREATE UNIQUE INDEX approvals_asked ON approvals (session_id, digest) WHERE state = 'pending' AND kind = 'approval';
CREATE INDEX approvals_digest ON approvals (session_id, digest, seq);
CREATE INDEX approvals_due ON approvals (due_at, seq) WHERE due_at IS NOT NULL;
CREATE INDEX approvals_pending ON approvals (state, seq) WHERE state = 'pending';
CREATE INDEX approvals_session ON approvals (session_id, seq);
CREATE INDEX approvals_agent ON approvals (agent, seq);

CREATE TABLE notices (
  id text PRIMARY KEY,
  seq bigint NOT NULL UNIQUE GENERATED BY DEFAULT AS IDENTITY,
  approval_id text,
  type text NOT NULL,
  person text NOT NULL,
  channel text NOT NULL,
  target text NOT NULL,
  payload text NOT NULL,
  state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead', 'not_needed')),
  attempts bigint NOT NULL CHECK (attempts >= 0),
  due_at bigint NOT NULL,
  created_at bigint NOT NULL,
  delivered_at bigint,
  last_error text
);
CREATE INDEX notices_due ON notices (due_at, seq) WHERE state = 'waiting';
CREATE INDEX notices_dead ON notices (state, seq) WHERE state = 'dead';
CREATE INDEX notices_waiting ON notices (target) WHERE state = 'waiting';
CREATE INDEX notices_approval ON notices (approval_id) WHERE approval_id IS NOT NULL;

CREATE TABLE marks (
  mark text PRIMARY KEY,
  expires_at bigint NOT NULL
);
CREATE INDEX marks_expires ON marks (expires_at);

CREATE TABLE halts (
  scope text NOT NULL CHECK (scope IN ('all', 'agent', 'session', 'recipient')),
  value text NOT NULL,
  reason text NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (scope, value)
);

CREATE TABLE admin_tokens (
  id text PRIMARY KEY,
  hash text NOT NULL UNIQUE,
  role text NOT NULL CHECK (role IN ('all', 'operator', 'approver', 'auditor')),
  person text,
  label text NOT NULL,
  created_at bigint NOT NULL,
  revoked_at bigint
);

CREATE TABLE runs (
  id text PRIMARY KEY,
  epoch bigint NOT NULL UNIQUE GENERATED ALWAYS AS IDENTITY,
  instance text,
  beats bigint NOT NULL DEFAULT 0,
  started_at bigint NOT NULL,
  heartbeat_at bigint NOT NULL,
  ended_at bigint,
  ended_why text
) WITH (fillfactor = 20);
CREATE INDEX runs_living ON runs (id) WHERE ended_at IS NULL;

CREATE TABLE lanes (
  run_id text NOT NULL REFERENCES runs (id),
  lane bigint NOT NULL,
  number bigint NOT NULL DEFAULT 0,
  ended boolean NOT NULL DEFAULT false,
  PRIMARY KEY (run_id, lane)
) WITH (fillfactor = 20);

CREATE TABLE changes (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  kind text NOT NULL,
  subject text NOT NULL,
  at bigint NOT NULL
);
CREATE INDEX changes_at ON changes (at);
`
