import { describe, expect, it } from 'vitest'
import type { Change } from '../../../src/ledger/ledger.ts'
import { Batch } from '../../../src/ledger/postgres/batch.ts'
import { House } from '../../../src/ledger/postgres/house.ts'
import { readingFrom } from '../../../src/ledger/postgres/reading.ts'
import { KEPT_ANSWERS_BYTES } from '../../../src/limits.ts'
import { memoryBench } from './workbench.ts'

function stage(server = memoryBench()) {
  const { store, clock, compose, ids } = server
  const told: Change[] = []
  const pruned: number[] = []
  store.watch((change) => told.push(change))
  const reading = readingFrom(store)
  const prune = reading.pruneAnswers
  const watched = {
    ...reading,
    pruneAnswers: (now: number, bytes: number) => {
      pruned.push(bytes)
      return prune(now, bytes)
    },
  }
  const house = new House({ reading: watched, batch: new Batch({ store, clock, compose }), clock, ids })
  return { house, store, clock, told, pruned, bench: server }
}

const halt = (value: string, at: number, reason = 'why') => ({ scope: 'agent', value, reason, at }) as const
const TOKEN = { id: 'tok_1', role: 'operator', person: 'alice', label: 'ops', createdAt: 1, revokedAt: null } as const

describe('the kill switch', () => {
  it('is told to all, set anew rather than twice, lifted by name, and listed oldest first', async () => {
    const { house, told } = stage()
    await house.halt(halt('b', 2))
    await house.halt(halt('a', 1))
    await house.halt(halt('b', 3, 'a new reason'))
    expect(await house.halts()).toEqual([halt('a', 1), halt('b', 3, 'a new reason')])
    await house.lift({ scope: 'agent', value: 'a' })
    await house.lift({ scope: 'session', value: 'b' })
    expect(await house.halts()).toEqual([halt('b', 3, 'a new reason')])
    expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['halts']))
  })
})

describe('a token of the admin door', () => {
  it('opens by its hash until it is revoked, once, and stays in the list', async () => {
    const { house, clock, told } = stage()
    await house.createToken(TOKEN, 'hash')
    expect([await house.tokenByHash('hash'), await house.tokenByHash('another')]).toEqual([TOKEN, undefined])
    expect([await house.revokeToken('tok_1'), await house.revokeToken('tok_1'), await house.revokeToken('tok_none')]).toEqual([
      true,
      false,
      false,
    ])
    expect(await house.tokenByHash('hash')).toBeUndefined()
    expect(await house.tokens()).toEqual([{ ...TOKEN, revokedAt: clock.now() }])
    expect(told).toEqual([{ kind: 'tokens' }, { kind: 'tokens' }])
  })
})

describe('the policy in force', () => {
  it('is told to all where it is another one, and to nobody where it is the same', async () => {
    const { house, told, bench } = stage()
    for (const version of ['v1', 'v1', 'v2']) await house.announcePolicy(version)
    expect(told).toEqual(['v1', 'v2'].map((version) => ({ kind: 'policy', version })))
    expect(await bench.write(({ tables }) => tables.policy.inForce())).toBe('v2')
  })
})

describe('the identity of the ledger', () => {
  it('is made once, and the same for all processes', async () => {
    const { house, store } = stage()
    const other = stage(memoryBench({ server: store.server, runId: 'run_2' }))
    const ledgerId = await house.claimIdentity({ wallet: 'w' })
    expect(await other.house.claimIdentity({ wallet: 'w', 'nonce key': 'n' })).toBe(ledgerId)
  })

  it('belongs to the secrets of whoever came first: others are refused, and nothing of theirs is kept (R21)', async () => {
    const { house, store } = stage()
    await house.claimIdentity({ wallet: 'w' })
    await expect(house.claimIdentity({ wallet: 'another', 'nonce key': 'n' })).rejects.toMatchObject({ refusal: { code: 'conflict' } })
    expect(
      store
        .rows('meta')
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['fingerprint:wallet', 'ledger_id'])
  })

  it('is locked while it is claimed, so that two that come first are one after the other', async () => {
    const { house, store } = stage()
    await house.claimIdentity({ wallet: 'w' })
    expect(store.logged('begin')[0]).toMatch(/\[identity ledger_id, identity fingerprint:wallet\]/)
  })
})

describe('what was looked through on a chain', () => {
  it('never goes back, and is one for every spelling of the wallet', async () => {
    const { house } = stage()
    expect(await house.scannedTo('eip155:1', '0xAB')).toBeUndefined()
    for (const block of [5n, 9n, 7n]) await house.scanned('eip155:1', '0xAb', block)
    expect([await house.scannedTo('eip155:1', '0xab'), await house.scannedTo('eip155:2', '0xab')]).toEqual([9n, undefined])
  })
})

describe('a kept answer', () => {
  const answer = (clock: { now(): number }, bytes = [1, 2]) => ({ sealed: new Uint8Array(bytes), expiresAt: clock.now() + 10 })

  it('comes back until it expires, in place of an earlier one', async () => {
    const { house, clock } = stage()
    await house.keepAnswer('pay_1', answer(clock, [9]))
    await house.keepAnswer('pay_1', answer(clock))
    expect([await house.keptAnswer('pay_1'), await house.keptAnswer('pay_2')]).toEqual([answer(clock), undefined])
    clock.advance(10)
    expect(await house.keptAnswer('pay_1')).toBeUndefined()
  })

  it('makes room before the first and whenever a share of the bound was kept, so that all stay below it', async () => {
    const { house, clock, pruned } = stage()
    const slack = KEPT_ANSWERS_BYTES / 64
    const large = { sealed: new Uint8Array(slack / 2), expiresAt: clock.now() + 10 }
    for (let count = 0; count < 4; count++) await house.keepAnswer(`pay_${count}`, large)
    expect(pruned).toHaveLength(2)
    expect(Math.max(...pruned) + slack).toBeLessThan(KEPT_ANSWERS_BYTES)
  })
})
