/** M17: whatever is done to an exported file shows. PURSER_TAMPERINGS=100000 tries as many instead of 10,000. */
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical.ts'
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import { type Checkpoint, checkpointHash, nextCheckpoint } from '../../src/audit/checkpoint.ts'
import type { Receipt } from '../../src/audit/receipt.ts'
import { type ExportDemands, verifyExport } from '../../src/audit/verify-export.ts'
import { AT, exportedLines, fileOf, historyOf, OTHER_SIGNER, opened, SIGNER } from './checkpoint-fixture.ts'

const history = historyOf('aab|bca|cb')
const lines = exportedLines(history)
const { receipts, checkpoints } = history
const newest = checkpoints.at(-1)
const anchor = { number: newest?.number ?? 0, hash: newest ? checkpointHash(newest) : '' }

const verdictOn = (some: readonly string[], demands?: ExportDemands) => verifyExport(opened(fileOf(some)), demands)
const asList = (some: readonly string[]) => ['[', ...some.map((line, at) => (at === some.length - 1 ? line : `${line},`)), ']']

describe('an exported file', () => {
  it('holds as it was written, in either order, as lines and as a list, under every demand', async () => {
    const whole = {
      ...{ ok: true, count: 8, chains: 3, brokenAt: null, checkpoints: 3, unsealed: 0 },
      sealed: { ...anchor, at: '2026-06-27T12:00:00.000Z', ledgerId: 'led_1', publicKey: SIGNER.publicKey },
    }
    const rising = [...receipts, ...checkpoints].map(canonicalJson)
    for (const some of [lines, rising, asList(lines), asList(rising)]) {
      expect(await verdictOn(some)).toEqual(whole)
      expect(await verdictOn(some, { sealed: true, key: SIGNER.publicKey, anchor })).toEqual(whole)
    }
  })

  it('without a checkpoint holds, and is not sealed; who demands one or a key gets neither', async () => {
    const bare = lines.slice(0, 8)
    expect(await verdictOn(bare)).toMatchObject({ ok: true, count: 8, checkpoints: 0, sealed: null, unsealed: 8 })
    const none = { ok: false, brokenAt: { id: 'checkpoint', line: null, why: expect.stringContaining('the file has no checkpoint') } }
    expect(await verdictOn(bare, { sealed: true })).toMatchObject(none)
    expect(await verdictOn(bare, { key: SIGNER.publicKey })).toMatchObject(none)
    expect(await verdictOn([])).toMatchObject({ ok: true, count: 0, sealed: null })
  })

  it('of one session holds only as such', async () => {
    const some = lines.filter((_, at) => at >= 8 || receipts.toReversed()[at]?.sessionId === 'ses_b')
    expect(await verdictOn(some, { session: 'ses_b' })).toMatchObject({ ok: true, count: 3, chains: 1 })
    expect(await verdictOn(some)).toMatchObject({ ok: false, brokenAt: { why: expect.stringContaining('entries were cut off') } })
    expect(await verdictOn(lines, { session: 'ses_b' })).toMatchObject({ brokenAt: { line: 2, why: 'it is not of session ses_b' } })
    expect(await verdictOn(some.slice(1), { session: 'ses_b' })).toMatchObject({ ok: false, brokenAt: { sessionId: 'ses_b', number: 3 } })
  })

  it('names the first broken row with session, number, id, line and reason', async () => {
    const changed = lines.with(3, lines[3]?.replace('"0.05"', '"0.01"') ?? '')
    const { sessionId, number, id } = receipts.toReversed()[3] ?? { sessionId: '', number: 0, id: '' }
    const row = { sessionId, number, id, line: 4 }
    expect((await verdictOn(changed)).brokenAt).toEqual({ ...row, why: 'its content does not match its hash' })
    expect((await verdictOn(asList(changed))).brokenAt).toMatchObject({ line: 5 })
    expect((await verdictOn(lines.with(3, '{}'))).brokenAt).toMatchObject({ line: 4, why: expect.stringContaining('not a receipt') })
    expect((await verdictOn(lines.with(3, ` ${lines[3]}`))).brokenAt).toMatchObject({
      line: 4,
      why: 'it is not in the form in which it was exported',
    })
  })

  it.each([
    [
      'cut at its newest end',
      lines.slice(1),
      { sessionId: 'ses_b', number: 3, line: null, why: 'checkpoint 3 names it, and it is missing: entries were cut off' },
    ],
    ['cut at its oldest end', lines.toSpliced(7, 1), { line: null, why: 'the entries before it are missing' }],
    [
      'short of a checkpoint',
      lines.toSpliced(10, 1),
      { line: 1, why: 'no checkpoint covers it: checkpoints were cut off, or it was added' },
    ],
    [
      'short of an older checkpoint',
      lines.toSpliced(9, 1),
      { id: 'checkpoint', number: 2, line: 10, why: 'checkpoint 2 was expected here' },
    ],
    ['with a receipt behind a checkpoint', [...lines.slice(1), lines[0] ?? ''], { line: 11, why: 'a receipt stands behind a checkpoint' }],
    [
      'with rows of two sessions swapped',
      [lines[1] ?? '', lines[0] ?? '', ...lines.slice(2)],
      { line: 2, why: 'it does not stand where it was exported' },
    ],
  ])('%s is broken', async (_, some, row) => {
    expect(await verdictOn(some)).toMatchObject({ ok: false, brokenAt: row })
  })

  it('whose history was written anew is found out by the checkpoints, at the first row that they saw otherwise', async () => {
    const rewritten = chainedAnew(receipts, 2, { amount: '0.01' })
    expect((await verdictOn(exportedLines({ receipts: rewritten, checkpoints }))).brokenAt).toMatchObject({
      sessionId: 'ses_b',
      line: 1,
      why: 'checkpoint 3 saw another entry here: there are two histories',
    })
  })

  it('rolled back to an earlier state in full shows against a checkpoint that was noted', async () => {
    const earlier = exportedLines({ receipts: receipts.slice(0, 6), checkpoints: checkpoints.slice(0, 2) })
    expect(await verdictOn(earlier)).toMatchObject({ ok: true, sealed: { number: 2 } })
    expect((await verdictOn(earlier, { anchor })).brokenAt).toMatchObject({
      id: 'checkpoint',
      why: 'checkpoint 3 was noted, and the newest one here is 2: history was rolled back',
    })
  })

  it('signed anew with another key shows against the key', async () => {
    const forged = exportedLines({ receipts, checkpoints: signedAnew(checkpoints) })
    expect(await verdictOn(forged)).toMatchObject({ ok: true, sealed: { publicKey: OTHER_SIGNER.publicKey } })
    expect((await verdictOn(forged, { key: SIGNER.publicKey })).brokenAt).toMatchObject({ line: 9, why: 'it is signed with another key' })
  })
})

/** The receipts with one changed, and every one behind it in its session hashed anew. */
function chainedAnew(all: readonly Receipt[], at: number, changes: Partial<Receipt>): Receipt[] {
  const heads = new Map<string, Receipt>()
  return all.map((receipt, index) => {
    const { number: _number, previousHash: _previous, hash: _hash, ...body } = index === at ? { ...receipt, ...changes } : receipt
    const anew = link(heads.get(body.sessionId) ?? EMPTY_CHAIN, body).receipt
    heads.set(body.sessionId, anew)
    return anew
  })
}

function signedAnew(all: readonly Checkpoint[]): Checkpoint[] {
  const anew: Checkpoint[] = []
  for (const { ledgerId, heads } of all) {
    anew.push(nextCheckpoint({ previous: anew.at(-1), ledgerId, at: AT, heads, signer: OTHER_SIGNER }).checkpoint)
  }
  return anew
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Tampering = (pick: (below: number) => number) => Buffer
const file = fileOf(lines)

/** What whoever has the file can do without the key. */
const TAMPERINGS: Readonly<Record<string, Tampering>> = {
  'one byte changed': (pick) => {
    const bytes = Buffer.from(file)
    const at = pick(bytes.length)
    bytes[at] = ((bytes[at] ?? 0) + 1 + pick(255)) % 256
    return bytes
  },
  'one bit flipped': (pick) => {
    const bytes = Buffer.from(file)
    const at = pick(bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(8))
    return bytes
  },
  'one byte deleted': (pick) => {
    const at = pick(file.length)
    return Buffer.concat([file.subarray(0, at), file.subarray(at + 1)])
  },
  'one byte inserted': (pick) => {
    const at = pick(file.length + 1)
    return Buffer.concat([file.subarray(0, at), Buffer.of(pick(256)), file.subarray(at)])
  },
  'cut behind a byte': (pick) => file.subarray(0, pick(file.length)),
  'cut before a byte': (pick) => file.subarray(1 + pick(file.length)),
  'rows deleted': (pick) => {
    const at = pick(lines.length)
    return fileOf(lines.toSpliced(at, 1 + pick(3)))
  },
  'a row doubled': (pick) => {
    const from = pick(lines.length)
    return fileOf(lines.toSpliced(pick(lines.length + 1), 0, lines[from] ?? ''))
  },
  'two rows swapped': (pick) => {
    const [a, b] = twoOf(lines.length, pick)
    return fileOf(lines.with(a, lines[b] ?? '').with(b, lines[a] ?? ''))
  },
  'a row moved': (pick) => {
    const [from, to] = twoOf(lines.length, pick)
    return fileOf(lines.toSpliced(from, 1).toSpliced(to, 0, lines[from] ?? ''))
  },
  'rolled back': (pick) => {
    const kept = pick(checkpoints.length)
    const count = [0, 3, 6][kept] ?? 0
    return fileOf(exportedLines({ receipts: receipts.slice(0, count), checkpoints: checkpoints.slice(0, kept) }))
  },
  'newest receipts of a session dropped': (pick) => {
    const session = ['ses_a', 'ses_b', 'ses_c'][pick(3)]
    const from = 1 + pick(2)
    return fileOf(
      exportedLines({ receipts: receipts.filter(({ sessionId, number }) => sessionId !== session || number < from), checkpoints }),
    )
  },
  'entries exchanged between sessions': (pick) => {
    const [a, b] = twoOf(receipts.length, pick)
    const [one, other] = [receipts[a], receipts[b]]
    if (!one || !other || one.sessionId === other.sessionId) return file.subarray(1)
    const exchanged = receipts.with(a, { ...one, sessionId: other.sessionId }).with(b, { ...other, sessionId: one.sessionId })
    return fileOf(exportedLines({ receipts: pick(2) === 0 ? exchanged : hashedAnew(exchanged), checkpoints }))
  },
  'changed, and everything behind it hashed anew': (pick) => {
    const changes = [{ amount: '9.99' }, { recipient: '0x00' }, { delivered: false }, { at: '2020-01-01T00:00:00.000Z' }, { refunded: '1' }]
    const rewritten = chainedAnew(receipts, pick(receipts.length), changes[pick(changes.length)] ?? {})
    return fileOf(exportedLines({ receipts: rewritten, checkpoints }))
  },
  'changed, hashed anew, and signed with another key': (pick) => {
    const rewritten = chainedAnew(receipts, pick(receipts.length), { amount: '9.99' })
    const heads = (places: readonly Receipt[]) => [...new Map(places.map((receipt) => [receipt.sessionId, receipt])).values()]
    const drafts = [rewritten.slice(0, 3), rewritten.slice(3, 6), rewritten.slice(6)].map((part, at) => ({ heads: heads(part), at }))
    const forged = signedAnew(checkpoints.map((checkpoint, at) => ({ ...checkpoint, heads: drafts[at]?.heads ?? [] })))
    return fileOf(exportedLines({ receipts: rewritten, checkpoints: forged }))
  },
}

/** Each entry hashed anew where it stands, whatever it follows. */
function hashedAnew(all: readonly Receipt[]): Receipt[] {
  return all.map(({ hash: _hash, number, previousHash, ...body }) => link({ number: number - 1, hash: previousHash }, body).receipt)
}

function twoOf(length: number, pick: (below: number) => number): [number, number] {
  const one = pick(length)
  return [one, (one + 1 + pick(length - 1)) % length]
}

/** These leave a file that was true once, or a true one of somebody else: the noted checkpoint or the key tells them. */
const NEED_MORE = new Set(['rolled back', 'changed, hashed anew, and signed with another key'])

describe('tampering', () => {
  const count = Number.parseInt(process.env.PURSER_TAMPERINGS ?? '10000', 10)
  const kinds = Object.entries(TAMPERINGS)
  const each = Math.ceil(count / kinds.length)

  it.each(kinds)(`shows, each of ${each} times: %s`, { timeout: 600_000 }, async (name, tamper) => {
    for (let seed = 1; seed <= each; seed++) {
      const random = randomFrom(seed)
      const bytes = tamper((below) => Math.floor(random() * below))
      if (bytes.equals(file)) continue
      const demands = NEED_MORE.has(name) ? { key: SIGNER.publicKey, anchor } : { sealed: true }
      const { ok } = await verifyExport(opened(bytes), demands)
      if (ok) throw new Error(`seed ${seed} was not seen: ${bytes.toString('latin1')}`)
    }
  })
})
