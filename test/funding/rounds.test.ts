import { expect, it } from 'vitest'
import { createRounds } from '../../src/funding/rounds.ts'
import { FUNDING_RETRY_MS } from '../../src/funding-limits.ts'
import { fundingRig } from './rig.ts'

it('a look that fails is warned of once, and comes again', async () => {
  const { ledger, clock, open } = await fundingRig()
  const { id } = await open()
  const told: string[] = []
  let looks = 0
  const attend = async () => {
    looks++
    throw new Error('the network is away')
  }
  const { round } = createRounds({ store: ledger.fundings, attend, clock, events: { warned: (sentence) => void told.push(sentence) } })
  await round()
  await round()
  expect(looks).toBe(1)
  clock.advance(FUNDING_RETRY_MS)
  await round()
  expect([looks, told.length]).toEqual([2, 1])
  expect((await ledger.fundings.account(id))?.dueAt).toBe(clock.now() + FUNDING_RETRY_MS)
})

it('stops when the step that runs is over', async () => {
  const { ledger, clock, open } = await fundingRig()
  await open()
  const going = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  let ended = false
  const attend = async () => {
    begun.resolve()
    await going.promise
    ended = true
    return { dueAt: clock.now() + 1_000, endedAt: null }
  }
  const rounds = createRounds({ store: ledger.fundings, attend, clock, events: { warned: () => undefined } })
  rounds.start()
  await begun.promise
  const stopped = rounds.stop()
  going.resolve()
  await stopped
  expect(ended).toBe(true)
})

it('says once that the ledger is away, and again when it is away again', async () => {
  const { clock } = await fundingRig()
  const told: string[] = []
  let turns = 0
  const over = Promise.withResolvers<void>()
  const store = {
    claim: async () => {
      if (turns === 3) return []
      throw new Error('the ledger is away')
    },
    release: async () => undefined,
  }
  const pause = async () => {
    turns++
    if (turns === 6) over.resolve()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const attend = async () => ({ dueAt: 0, endedAt: null })
  const rounds = createRounds({ store, attend, clock, events: { warned: (sentence) => void told.push(sentence) }, pause })
  rounds.start()
  await over.promise
  await rounds.stop()
  expect(told).toHaveLength(2)
})
