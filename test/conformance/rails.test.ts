/** Every rail and scheme runs the one table of cases: official servers and facilitators, real chains, one Purser. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { railCases } from './rail-cases.ts'
import { type OpenRailHouse, openRailHouse } from './rail-house.ts'
import type { RailSpec } from './rail-world.ts'
import { channelDeposit } from './rail-worlds/channels.ts'
import { mcpEvents, mcpJson, mcpMpp } from './rail-worlds/mcp.ts'
import { mppCharge } from './rail-worlds/mpp.ts'
import { permit2Exact, permit2Upto } from './rail-worlds/permits.ts'
import { solanaExact } from './rail-worlds/solana.ts'
import { x402V1, x402V2 } from './rail-worlds/x402.ts'

/**
 * Servers have clocks of their own, ours goes ahead with each expiry: who looks at an end of minutes comes first, who looks
 * at none comes last.
 */
const RAILS: readonly RailSpec[] = [
  mppCharge,
  mcpMpp,
  x402V1,
  x402V2,
  permit2Exact,
  permit2Upto,
  channelDeposit,
  mcpJson,
  mcpEvents,
  solanaExact,
]

let house: OpenRailHouse

beforeAll(async () => {
  house = await openRailHouse(RAILS)
})
afterAll(() => house?.[Symbol.asyncDispose]())

for (const rail of RAILS) railCases(rail, () => house)

it('every receipt of all that is chained to the one before it', async () => {
  expect(await house.purser.admin('/v1/receipts/verify')).toMatchObject({ ok: true, brokenAt: null })
})
