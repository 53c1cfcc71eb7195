/**
 * The first schema. Money is INTEGER millionths; what a stranger may price at will (a refused amount, atomic units) is
 * TEXT, because it can need 256 bits. The CHECKs repeat what the code decides: a fault there fails instead of overspending.
 * Indexes over random ids are few: each costs a page of the disk for every payment. So a purchase, which has exactly one
 * payment, is part of its row. Settled payments, which most are, have no index by state: a list of them reads the newest.
 * A receipt names its session and payment without REFERENCES: its chain's head is in the session's row, the payment is
 * written after it in the same commit, and looking both up again would cost as much as an index.
 */
export const initial = `
CREATE TABLE sessions (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  token_hash TEXT NOT NULL UNIQUE,
  name TEXT UNIQUE,
  agent TEXT NOT NULL,
  purpose TEXT NOT NULL,
  currency TEXT NOT NULL,
  cap INTEGER NOT NULL CHECK (cap >= 0),
  spent INTEGER NOT NULL DEFAULT 0 CHECK (spent >= 0),
  held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
  payments INTEGER NOT NULL DEFAULT 0 CHECK (payments >= 0),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed', 'revoked')),
  limits TEXT NOT NULL,
  scope TEXT NOT NULL,
  networks TEXT NOT NULL,
  assets TEXT NOT NULL,
  wallet TEXT,
  owner TEXT NOT NULL,
  parent TEXT REFERENCES sessions (id),
  single_use INTEGER NOT NULL CHECK (single_use IN (0, 1)),
  labels TEXT NOT NULL,
  refill TEXT,
  refills INTEGER NOT NULL DEFAULT 0 CHECK (refills >= 0),
  threshold INTEGER NOT NULL DEFAULT 0,
  chain_number INTEGER NOT NULL DEFAULT 0,
  chain_hash TEXT NOT NULL,
  CHECK (spent + held <= cap)
) STRICT;
CREATE INDEX sessions_parent ON sessions (parent) WHERE parent IS NOT NULL;
CREATE INDEX sessions_open ON sessions (expires_at) WHERE status = 'open';
CREATE INDEX sessions_exhausted ON sessions (expires_at) WHERE status = 'open' AND cap - spent - held = 0;

CREATE TABLE session_counts (
  status TEXT NOT NULL,
  hour INTEGER NOT NULL,
  sessions INTEGER NOT NULL,
  PRIMARY KEY (status, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_keys (
  key TEXT PRIMARY KEY,
  operation TEXT NOT NULL,
  digest TEXT NOT NULL,
  session_id TEXT NOT NULL REFERENCES sessions (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE payments (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL,
  purchase_id TEXT,
  fingerprint TEXT,
  key_digest TEXT,
  purchase_open INTEGER NOT NULL DEFAULT 0 CHECK (purchase_open IN (0, 1)),
  holder TEXT NOT NULL DEFAULT 'none' CHECK (holder IN ('live', 'orphan', 'none')),
  holder_run TEXT,
  lease_until INTEGER,
  session_id TEXT NOT NULL REFERENCES sessions (id),
  agent TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('denied', 'awaiting_veto', 'awaiting_approval', 'reserved', 'signed', 'sent',
    'settled', 'void', 'unknown', 'expired')),
  code TEXT,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  origin TEXT NOT NULL,
  host TEXT NOT NULL,
  challenge_digest TEXT NOT NULL,
  context TEXT,
  tool TEXT,
  task TEXT,
  user TEXT,
  justification TEXT,
  tier TEXT NOT NULL,
  rule TEXT NOT NULL,
  reason TEXT NOT NULL,
  policy_version TEXT NOT NULL,
  would_be TEXT,
  categories TEXT NOT NULL,
  trust TEXT,
  rail TEXT,
  protocol_version INTEGER,
  scheme TEXT,
  network TEXT,
  asset_symbol TEXT,
  asset_address TEXT,
  asset_decimals INTEGER,
  amount_atomic TEXT,
  price_key TEXT,
  amount TEXT,
  currency TEXT,
  pay_to TEXT,
  payer TEXT,
  flow TEXT,
  nonce TEXT UNIQUE,
  valid_before INTEGER,
  headers TEXT,
  signature TEXT,
  tx TEXT,
  settlement TEXT,
  evidence TEXT CHECK (evidence IN ('claimed', 'confirmed', 'operator')),
  block TEXT,
  denied INTEGER NOT NULL DEFAULT 0 CHECK (denied IN (0, 1)),
  dispute TEXT CHECK (dispute IN ('settled_though_denied', 'settled_not_delivered', 'taken_otherwise')),
  refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded >= 0),
  check_at INTEGER,
  resolver_run TEXT,
  resolver_until INTEGER,
  delivered INTEGER NOT NULL DEFAULT 0 CHECK (delivered IN (0, 1)),
  delivery TEXT,
  charges TEXT,
  concluded INTEGER NOT NULL DEFAULT 0,
  challenged_at INTEGER NOT NULL,
  decided_at INTEGER NOT NULL,
  reserved_at INTEGER,
  signed_at INTEGER,
  sent_at INTEGER,
  concluded_at INTEGER,
  delivered_at INTEGER,
  reopened_at INTEGER,
  count INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX payments_session ON payments (session_id);
CREATE INDEX payments_agent ON payments (agent);
CREATE INDEX payments_task ON payments (task) WHERE task IS NOT NULL;
CREATE INDEX payments_session_task ON payments (session_id, task) WHERE task IS NOT NULL;
CREATE INDEX payments_tool ON payments (tool) WHERE tool IS NOT NULL;
CREATE INDEX payments_tier ON payments (tier);
CREATE INDEX payments_recipient ON payments (pay_to COLLATE NOCASE);
CREATE INDEX payments_host ON payments (host COLLATE NOCASE);
CREATE INDEX payments_rare ON payments (state) WHERE state IN ('denied', 'void', 'expired');
CREATE UNIQUE INDEX payments_keyed ON payments (session_id, key_digest) WHERE purchase_open = 1 AND key_digest IS NOT NULL;
CREATE INDEX payments_unkeyed ON payments (session_id, fingerprint) WHERE purchase_open = 1 AND key_digest IS NULL;
CREATE INDEX payments_unresolved ON payments (state) WHERE state IN ('reserved', 'signed', 'sent', 'unknown');
CREATE INDEX payments_unproven ON payments (network, check_at) WHERE check_at IS NOT NULL;
CREATE INDEX payments_owed ON payments (session_id) WHERE state = 'settled' AND delivered = 0 AND dispute IS NULL;
CREATE INDEX payments_disputed ON payments (dispute) WHERE dispute IS NOT NULL;
CREATE INDEX payments_price ON payments (price_key, reserved_at, amount) WHERE state = 'settled';
CREATE INDEX payments_trace ON payments (json_extract(context, '$.trace')) WHERE json_extract(context, '$.trace') IS NOT NULL;
CREATE INDEX payments_decided ON payments (decided_at);
CREATE INDEX payments_refunded ON payments (seq) WHERE refunded > 0;

CREATE TABLE spending (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  bucket TEXT NOT NULL,
  amount INTEGER NOT NULL CHECK (amount >= 0),
  PRIMARY KEY (session_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE rolling (
  series TEXT NOT NULL,
  ordinal INTEGER NOT NULL,
  at INTEGER NOT NULL,
  amount INTEGER NOT NULL CHECK (amount > 0),
  total INTEGER NOT NULL,
  void INTEGER NOT NULL DEFAULT 0 CHECK (void IN (0, 1)),
  PRIMARY KEY (series, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX rolling_at ON rolling (series, at, ordinal);
CREATE INDEX rolling_void ON rolling (series, ordinal) WHERE void = 1;

CREATE TABLE pins (
  origin TEXT NOT NULL,
  network TEXT NOT NULL,
  pay_to TEXT NOT NULL,
  at INTEGER NOT NULL,
  uses INTEGER NOT NULL CHECK (uses >= 0),
  PRIMARY KEY (origin, network)
) STRICT, WITHOUT ROWID;

CREATE TABLE dealings (
  agent TEXT NOT NULL,
  origin TEXT NOT NULL,
  network TEXT NOT NULL,
  pay_to TEXT NOT NULL COLLATE NOCASE,
  last INTEGER NOT NULL,
  PRIMARY KEY (agent, origin, network, pay_to)
) STRICT, WITHOUT ROWID;
CREATE INDEX dealings_last ON dealings (agent, origin, network, last);

CREATE TABLE refusal_runs (
  session_id TEXT NOT NULL REFERENCES sessions (id),
  digest TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  recorded INTEGER NOT NULL,
  PRIMARY KEY (session_id, digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  payment_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  kind TEXT NOT NULL,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX receipts_session ON receipts (session_id, number);
CREATE INDEX receipts_agent ON receipts (agent);
CREATE INDEX receipts_payment ON receipts (payment_id);
CREATE INDEX receipts_at ON receipts (at);
CREATE INDEX receipts_refused ON receipts (seq) WHERE kind = 'refusal';

CREATE TABLE refunds (
  source TEXT PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id) DEFERRABLE INITIALLY DEFERRED,
  amount_atomic TEXT NOT NULL,
  evidence TEXT NOT NULL,
  entered_by TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refunds_payment ON refunds (payment_id);

CREATE TABLE corrections (
  payment_id TEXT PRIMARY KEY REFERENCES payments (id) DEFERRABLE INITIALLY DEFERRED,
  outcome TEXT NOT NULL CHECK (outcome IN ('settled', 'void')),
  tx TEXT,
  evidence TEXT NOT NULL,
  entered_by TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scans (
  network TEXT NOT NULL,
  wallet TEXT NOT NULL,
  block TEXT NOT NULL,
  PRIMARY KEY (network, wallet)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  receipts INTEGER NOT NULL,
  body TEXT NOT NULL,
  signature TEXT NOT NULL
) STRICT;

CREATE TABLE kept_answers (
  seq INTEGER PRIMARY KEY,
  payment_id TEXT NOT NULL UNIQUE REFERENCES payments (id) DEFERRABLE INITIALLY DEFERRED,
  sealed BLOB NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX kept_answers_bytes ON kept_answers (seq, bytes);
CREATE INDEX kept_answers_expires ON kept_answers (expires_at);

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE policies (
  version TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE daily_reports (
  date TEXT PRIMARY KEY,
  final INTEGER NOT NULL CHECK (final IN (0, 1)),
  made_at INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX daily_reports_unclosed ON daily_reports (date) WHERE final = 0;

CREATE TABLE approvals (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_id TEXT NOT NULL,
  agent TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('approval', 'veto')),
  state TEXT NOT NULL CHECK (state IN ('pending', 'approved', 'passed', 'used', 'denied', 'vetoed', 'expired', 'withdrawn')),
  digest TEXT NOT NULL,
  payment_id TEXT NOT NULL UNIQUE,
  due_at INTEGER,
  version INTEGER NOT NULL CHECK (version > 0),
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX approvals_asked ON approvals (session_id, digest) WHERE state = 'pending' AND kind = 'approval';
CREATE INDEX approvals_digest ON approvals (session_id, digest);
CREATE INDEX approvals_due ON approvals (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX approvals_pending ON approvals (state) WHERE state = 'pending';
CREATE INDEX approvals_session ON approvals (session_id);
CREATE INDEX approvals_session_state ON approvals (session_id, state);
CREATE INDEX approvals_agent ON approvals (agent);

CREATE TABLE notices (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  approval_id TEXT REFERENCES approvals (id),
  type TEXT NOT NULL,
  person TEXT NOT NULL,
  channel TEXT NOT NULL,
  target TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'dead', 'not_needed')),
  attempts INTEGER NOT NULL CHECK (attempts >= 0),
  due_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  delivered_at INTEGER,
  last_error TEXT
) STRICT;
CREATE INDEX notices_due ON notices (due_at) WHERE state = 'waiting';
CREATE INDEX notices_dead ON notices (state) WHERE state = 'dead';
CREATE INDEX notices_waiting ON notices (target) WHERE state = 'waiting';
CREATE INDEX notices_approval ON notices (approval_id) WHERE approval_id IS NOT NULL;

CREATE TABLE marks (
  mark TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX marks_expires ON marks (expires_at);

CREATE TABLE halts (
  scope TEXT NOT NULL CHECK (scope IN ('all', 'agent', 'session', 'recipient')),
  value TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (scope, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE admin_tokens (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL CHECK (role IN ('all', 'operator', 'approver', 'auditor')),
  person TEXT,
  label TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT, WITHOUT ROWID;
`
