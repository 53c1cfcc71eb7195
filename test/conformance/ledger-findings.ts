/** What the tests of findings share: what can be found out, and a payment in each state that it can be found out about. */
import { CLAIMED, COMPLETE, usd } from '../ledger/fixtures.ts'
import type { Bench } from './ledger.ts'

export const HASH = `0x${'cd'.repeat(32)}`
export const SETTLED = {
  kind: 'settled',
  evidence: 'confirmed',
  transaction: HASH,
  block: 77n,
  reason: 'The chain shows the transfer.',
} as const
export const DEAD = { kind: 'dead', evidence: 'confirmed', block: 78n, reason: 'Unused in a final block after its end.' } as const
export const EXPIRED = { kind: 'expired', reason: 'The window closed and nobody can tell.' } as const
/** The end of what `authorizationFor` signs. */
export const END = 1_782_561_720_000

/** A payment in each state that something can be found out about. */
export function states(bench: () => Bench) {
  const open = async () => (await bench().openSession({ cap: usd(10) })).id
  const signed = async (session: string) => bench().sign(bench().make.request(session, usd(3)))
  return {
    async signed() {
      const session = await open()
      return { session, reservation: await signed(session) }
    },
    async sent() {
      const session = await open()
      const reservation = await signed(session)
      reservation.sent()
      return { session, reservation }
    },
    async unknown() {
      const session = await open()
      const reservation = await signed(session)
      await reservation.leaveUnknown('The server says that it failed.')
      reservation.release()
      return { session, reservation }
    },
    async expired() {
      const one = await this.unknown()
      await bench().ledger.resolve(one.reservation.paymentId, EXPIRED)
      return one
    },
    async claimed() {
      const session = await open()
      const reservation = await signed(session)
      await reservation.post(CLAIMED)
      await reservation.delivered(COMPLETE)
      reservation.release()
      return { session, reservation }
    },
    async confirmed() {
      const one = await this.claimed()
      await bench().ledger.resolve(one.reservation.paymentId, { ...SETTLED, transaction: CLAIMED.transaction ?? '' })
      return one
    },
    async void() {
      const one = await this.unknown()
      await bench().ledger.resolve(one.reservation.paymentId, DEAD)
      return one
    },
  }
}
