/** The house: what belongs to no session. The kill switch, admin tokens, the policy in force, secrets, scans, kept answers. */
import type { Clock, Ids } from '../../clock.ts'
import { KEPT_ANSWERS_BYTES, MAX_PAGE } from '../../limits.ts'
import type { AdminToken, Halt, PolicyRecord } from '../administration.ts'
import { checkFingerprints } from '../fingerprints.ts'
import type { KeptAnswer } from '../ledger.ts'
import { int, maybeInt, maybeText, text, word } from '../rows.ts'
import type { Batch } from './batch.ts'
import { readHalt } from './books.ts'
import { equal } from './lists.ts'
import { type Hands, housekeeping } from './operations.ts'
import type { Reading } from './reading.ts'
import type { Row } from './store.ts'
import type { Wants } from './wants.ts'

export interface HouseOptions {
  readonly reading: Reading
  readonly batch: Batch<Hands>
  readonly clock: Clock
  readonly ids: Ids
}

/** Of the bound: how much may be kept by one process before it looks at the sum again, and what the look leaves. */
const ANSWER_SLACK_BYTES = KEPT_ANSWERS_BYTES / 64
const ANSWER_GOAL_BYTES = (KEPT_ANSWERS_BYTES * 3) / 4

export class House {
  readonly #options: HouseOptions
  /** Kept since the sum was last looked at; the first is preceded by a look. */
  #keptBytes = Number.POSITIVE_INFINITY

  constructor(options: HouseOptions) {
    this.#options = options
  }

  halt(halt: Halt): Promise<void> {
    return this.#changeHalts(({ tables }) => tables.halts.set(halt))
  }

  lift(halt: Pick<Halt, 'scope' | 'value'>): Promise<void> {
    return this.#changeHalts(({ tables }) => tables.halts.lift(halt))
  }

  /** Oldest first. */
  async halts(): Promise<readonly Halt[]> {
    const rows = await this.#options.reading.select({ table: 'halts', where: [], order: { by: ['at', 'scope', 'value'] } })
    return rows.map(readHalt)
  }

  createToken({ id, role, person, label, createdAt, revokedAt }: AdminToken, hash: string): Promise<void> {
    return this.#changeToken(id, ({ set, announce }) => {
      set.insert('admin_tokens', { id, hash, role, person, label, created_at: createdAt, revoked_at: revokedAt })
      announce({ kind: 'tokens' })
    })
  }

  /** True where it was valid until now. */
  revokeToken(id: string): Promise<boolean> {
    return this.#changeToken(id, ({ tx, set, announce }) => {
      const row = set.row('token', id)
      if (!row || row.revoked_at !== null) return false
      set.update('admin_tokens', row, { revoked_at: tx.now })
      announce({ kind: 'tokens' })
      return true
    })
  }

  /** A revoked token is not found: it opens nothing. */
  async tokenByHash(hash: string): Promise<AdminToken | undefined> {
    const valid = { columns: ['revoked_at'], is: 'absent', values: [] } as const
    const [row] = await this.#options.reading.select({ table: 'admin_tokens', where: [...equal('hash', hash), valid] })
    return row && readToken(row)
  }

  /** Newest first. */
  async tokens(): Promise<readonly AdminToken[]> {
    const rows = await this.#options.reading.select({ table: 'admin_tokens', where: [], order: { by: ['created_at'], falling: true } })
    return rows.map(readToken)
  }

  /** The first text of a version stays: a version is the digest of what it says. */
  announcePolicy(version: string, words?: string): Promise<void> {
    const wanted = (wants: Wants) => {
      wants.row({ access: 'identity', values: ['policy'] }).row({ access: 'policy', values: [version] })
    }
    const operation = housekeeping('policy', wanted, ({ tx, set, announce }: Hands) => {
      if (words !== undefined && !set.row('policy', version)) set.insert('policies', { version, text: words, since: tx.now })
      const row = set.row('identity', 'policy')
      if (row?.value === version) return
      if (row) set.update('meta', row, { value: version })
      else set.insert('meta', { key: 'policy', value: version })
      announce({ kind: 'policy', version })
    })
    return this.#options.batch.write(operation)
  }

  async policyRecord(version: string): Promise<PolicyRecord | undefined> {
    const [row] = await this.#options.reading.select({ table: 'policies', where: equal('version', version) })
    return row && readPolicy(row)
  }

  /** Newest first; bounded. */
  async policyRecords(): Promise<readonly PolicyRecord[]> {
    const order = { by: ['since', 'version'], falling: true } as const
    return (await this.#options.reading.select({ table: 'policies', where: [], order, limit: MAX_PAGE })).map(readPolicy)
  }

  /** @throws PurserError `conflict` where a fingerprint differs from the one of whoever came first. */
  async claimIdentity(fingerprints: Readonly<Record<string, string>>): Promise<string> {
    const names = Object.keys(fingerprints)
    const operation = housekeeping(
      'identity',
      (wants) => {
        for (const key of ['ledger_id', ...names.map(fingerprintKey)]) wants.row({ access: 'identity', values: [key] })
      },
      (hands: Hands) => claimIdentity(hands, fingerprints, this.#options.ids),
    )
    return this.#options.batch.write(operation)
  }

  /** The last block, inclusive. */
  async scannedTo(network: string, wallet: string): Promise<bigint | undefined> {
    const where = [...equal('network', network), ...equal('wallet', wallet.toLowerCase())]
    const [row] = await this.#options.reading.select({ table: 'scans', where })
    return row && BigInt(text(row, 'block'))
  }

  /** Never goes back: what was looked through stays so. */
  scanned(network: string, wallet: string, block: bigint): Promise<void> {
    const place = { network, wallet: wallet.toLowerCase() }
    const operation = housekeeping(
      'scans',
      (wants) => wants.row({ access: 'scan', values: [place.network, place.wallet] }),
      ({ set }: Hands) => {
        const row = set.row('scan', place.network, place.wallet)
        if (!row) set.insert('scans', { ...place, block: block.toString() })
        else if (BigInt(text(row, 'block')) < block) set.update('scans', row, { block: block.toString() })
      },
    )
    return this.#options.batch.write(operation)
  }

  /** In place of an earlier one. The sum over all processes is looked at now and then, and stays below the bound. */
  async keepAnswer(paymentId: string, { sealed, expiresAt }: KeptAnswer): Promise<void> {
    const { reading, clock } = this.#options
    if (this.#keptBytes + sealed.length > ANSWER_SLACK_BYTES) {
      this.#keptBytes = 0
      await reading.pruneAnswers(clock.now(), ANSWER_GOAL_BYTES)
    }
    this.#keptBytes += sealed.length
    await reading.keepAnswer({ paymentId, sealed, expiresAt })
  }

  async keptAnswer(paymentId: string): Promise<KeptAnswer | undefined> {
    const { reading, clock } = this.#options
    const lasting = { columns: ['expires_at'], is: '>', values: [clock.now()] } as const
    const [row] = await reading.select({ table: 'kept_answers', where: [...equal('payment_id', paymentId), lasting] })
    return row && { sealed: bytesIn(row), expiresAt: int(row, 'expires_at') }
  }

  #changeHalts(change: (hands: Hands) => void): Promise<void> {
    const operation = housekeeping(
      'halts',
      (wants) => wants.row({ access: 'halts', values: [] }),
      (hands: Hands) => {
        change(hands)
        hands.announce({ kind: 'halts' })
      },
    )
    return this.#options.batch.write(operation)
  }

  #changeToken<T>(id: string, change: (hands: Hands) => T): Promise<T> {
    return this.#options.batch.write(housekeeping('tokens', (wants) => wants.row({ access: 'token', values: [id] }), change))
  }
}

function readPolicy(row: Row): PolicyRecord {
  return { version: text(row, 'version'), text: text(row, 'text'), since: int(row, 'since') }
}

const FINGERPRINT = 'fingerprint:'

function fingerprintKey(name: string): string {
  return `${FINGERPRINT}${name}`
}

function claimIdentity({ set }: Hands, fingerprints: Readonly<Record<string, string>>, ids: Ids): string {
  const rows = Object.keys(fingerprints).map((name) => [name, set.row('identity', fingerprintKey(name))] as const)
  const known = rows.flatMap(([name, row]) => (row ? [[name, text(row, 'value')] as const] : []))
  for (const [name, value] of Object.entries(checkFingerprints(Object.fromEntries(known), fingerprints))) {
    set.insert('meta', { key: fingerprintKey(name), value })
  }
  const own = set.row('identity', 'ledger_id')
  if (own) return text(own, 'value')
  const ledgerId = ids('led')
  set.insert('meta', { key: 'ledger_id', value: ledgerId })
  return ledgerId
}

function readToken(row: Row): AdminToken {
  return {
    id: text(row, 'id'),
    role: word(row, 'role', ['all', 'operator', 'approver', 'auditor']),
    person: maybeText(row, 'person'),
    label: text(row, 'label'),
    createdAt: int(row, 'created_at'),
    revokedAt: maybeInt(row, 'revoked_at'),
  }
}

function bytesIn({ sealed }: Row): Uint8Array {
  if (sealed instanceof Uint8Array) return sealed
  throw new Error('a kept answer is no blob')
}
