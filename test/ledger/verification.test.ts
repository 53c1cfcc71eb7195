import { describe, expect, it } from 'vitest'
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import { type Checkpoint, nextCheckpoint } from '../../src/audit/checkpoint.ts'
import type { Receipt } from '../../src/audit/receipt.ts'
import { type ChainSource, type StoredCheckpoint, verifyStored } from '../../src/ledger/verification.ts'
import { AT, OTHER_SIGNER, SIGNER } from '../audit/checkpoint-fixture.ts'
import { body } from '../audit/receipt-fixture.ts'

/** Chains in memory, to which others append while they are verified. */
function growing(length: number) {
  const chain: { receipt: Receipt; text: string }[] = []
  const append = () => chain.push(link(chain.at(-1)?.receipt ?? EMPTY_CHAIN, body({ id: `rcp_${chain.length}` })))
  for (let count = 0; count < length; count++) append()
  const source: ChainSource = {
    chainAfter: (id) => (id < 'ses_1' ? 'ses_1' : undefined),
    entriesAfter: (_, { number, limit }) =>
      chain.slice(number, number + limit).map(({ receipt: { id, number, hash }, text }) => ({ id, number, hash, body: text })),
    head: () => chain.at(-1)?.receipt ?? EMPTY_CHAIN,
    checkpointsAfter: (number, limit) => stored.slice(number, number + limit),
    hashAt: (_, number) => chain[number - 1]?.receipt.hash,
  }
  const stored: StoredCheckpoint[] = []
  let previous: Checkpoint | undefined
  const seal = (signer = SIGNER) => {
    const { number, hash } = chain.at(-1)?.receipt ?? EMPTY_CHAIN
    const head = { sessionId: 'ses_1', number, hash }
    const { checkpoint, text } = nextCheckpoint({ previous, ledgerId: 'led_1', at: AT, heads: [head], signer })
    stored.push({ number: checkpoint.number, body: text, signature: checkpoint.signature })
    previous = checkpoint
  }
  return { append, source, chain, seal, stored }
}

/** The same, each answer a while later. */
function later(source: ChainSource): ChainSource {
  const tick = () => new Promise((resolve) => setImmediate(resolve))
  return {
    chainAfter: async (id) => tick().then(() => source.chainAfter(id)),
    entriesAfter: async (id, place) => tick().then(() => source.entriesAfter(id, place)),
    head: async (id) => tick().then(() => source.head(id)),
    checkpointsAfter: async (number, limit) => tick().then(() => source.checkpointsAfter(number, limit)),
    hashAt: async (id, number) => tick().then(() => source.hashAt(id, number)),
  }
}

describe('verifying what is stored', () => {
  it('lets others work between its steps, and verifies what they append', async () => {
    const { append, source } = growing(500)
    let done = false
    const verdict = verifyStored(source).finally(() => {
      done = true
    })
    let appended = 0
    while (!done && appended < 50) {
      append()
      appended += 1
      await new Promise(setImmediate)
    }
    expect(appended).toBeGreaterThan(2)
    const { ok, count } = await verdict
    expect(ok).toBe(true)
    expect(count).toBeGreaterThan(500)
  })

  it('stops at the first entry that does not hold, and says where', async () => {
    const { source, chain } = growing(300)
    const entry = chain[150]
    if (entry) entry.text = entry.text.replace('researcher', 'somebody')
    expect(await verifyStored(source)).toMatchObject({
      ok: false,
      count: 151,
      chains: 1,
      brokenAt: { sessionId: 'ses_1', number: 151, id: 'rcp_150', why: 'its content does not match its hash' },
    })
  })

  it('a store that answers later, and grows meanwhile, holds at every moment', async () => {
    for (const length of [0, 1, 99, 100, 101, 200]) {
      const { append, source } = growing(length)
      let done = false
      const verdict = verifyStored(later(source)).finally(() => {
        done = true
      })
      for (let appended = 0; !done && appended < 150; appended++) {
        append()
        await new Promise(setImmediate)
      }
      expect(await verdict).toMatchObject({ ok: true, brokenAt: null })
    }
  })

  it.each([1, 100, 101])('an end that was cut off behind number %i shows, whichever way the store answers', async (length) => {
    const { source } = growing(length)
    const longer = { number: length + 2, hash: 'f'.repeat(64) }
    const cut: ChainSource = { ...source, head: () => longer }
    for (const one of [cut, later(cut)]) {
      expect(await verifyStored(one)).toMatchObject({
        ok: false,
        brokenAt: { number: length + 1, why: `the chain should end with number ${length + 2} and ends with ${length}` },
      })
    }
  })

  it('a text that says the same in another form shows', async () => {
    const { source, chain } = growing(3)
    const entry = chain[1]
    if (entry) entry.text = entry.text.replace('{', '{ ')
    expect(await verifyStored(source)).toMatchObject({ ok: false, brokenAt: { number: 2, why: 'it is not in the form that was hashed' } })
  })

  it('holds where there is nothing', async () => {
    const { source } = growing(0)
    const none = { ...source, chainAfter: () => undefined }
    const verdict = { ok: true, count: 0, chains: 0, brokenAt: null, checkpoints: 0, sealed: null, unsealed: 0 }
    expect(await verifyStored(none)).toEqual(verdict)
  })
})

describe('verifying stored checkpoints', () => {
  function sealed() {
    const store = growing(3)
    store.seal()
    store.append()
    store.seal()
    store.append()
    return store
  }

  it('they hold, and tell how far', async () => {
    const { source } = sealed()
    for (const one of [source, later(source)]) {
      expect(await verifyStored(one)).toMatchObject({
        ...{ ok: true, count: 5, checkpoints: 2, unsealed: 1 },
        sealed: { number: 2, ledgerId: 'led_1', publicKey: SIGNER.publicKey, hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })
    }
  })

  it('an end that was cut off with its head shows', async () => {
    const { source, chain } = sealed()
    chain.length = 3
    expect(await verifyStored(source)).toMatchObject({
      ok: false,
      brokenAt: { sessionId: 'ses_1', number: 4, why: 'checkpoint 2 names it, and it is missing: entries were cut off' },
    })
  })

  it('a history that was written anew shows', async () => {
    const { source, chain, append } = sealed()
    chain.length = 2
    chain.push(link(chain[1]?.receipt ?? EMPTY_CHAIN, body({ id: 'rcp_other' })))
    append()
    expect(await verifyStored(source)).toMatchObject({
      ok: false,
      brokenAt: { number: 3, why: 'checkpoint 1 saw another entry here: there are two histories' },
    })
  })

  it.each([
    ['was changed', (stored: StoredCheckpoint[]) => alter(stored, 0, ({ body }) => ({ body: body.replace('"number":3', '"number":4') }))],
    ['is in another form', (stored: StoredCheckpoint[]) => alter(stored, 0, ({ body }) => ({ body: `${body} ` }))],
    ['cannot be read', (stored: StoredCheckpoint[]) => alter(stored, 0, () => ({ body: 'x' }))],
    ['has another signature', (stored: StoredCheckpoint[]) => alter(stored, 0, () => ({ signature: '0'.repeat(128) }))],
    ['stands in another place', (stored: StoredCheckpoint[]) => alter(stored, 0, () => ({ number: 7 }))],
    ['is missing', (stored: StoredCheckpoint[]) => stored.shift()],
  ])('one that %s shows', async (_, tamper) => {
    const { source, stored } = sealed()
    tamper(stored)
    expect(await verifyStored(source)).toMatchObject({ ok: false, brokenAt: { id: 'checkpoint', why: expect.any(String) } })
  })

  it('one that somebody else signed shows', async () => {
    const { source, seal } = sealed()
    seal(OTHER_SIGNER)
    expect(await verifyStored(source)).toMatchObject({ ok: false, brokenAt: { number: 3, why: 'it is signed with another key' } })
  })
})

function alter(stored: StoredCheckpoint[], at: number, change: (one: StoredCheckpoint) => Partial<StoredCheckpoint>): void {
  const one = stored[at]
  if (one) stored[at] = { ...one, ...change(one) }
}
