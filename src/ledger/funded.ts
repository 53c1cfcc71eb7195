/** The same ledger, where a treasury keeps sessions: what happens to a session makes its account due. */
import type { Clock } from '../clock.ts'
import type { Ledger, NewSession } from './ledger.ts'

export interface FundedOptions {
  /** The address that the treasury keeps for this session, or undefined where it keeps none. */
  readonly addressFor: (session: NewSession) => Promise<string | undefined>
  readonly clock: Pick<Clock, 'now'>
}

/** The account is kept before the session is: a crash between the two leaves an account without a session, never the other way round. */
export function withFunding(ledger: Ledger, { addressFor, clock }: FundedOptions): Ledger {
  const wish = (id: string) => ledger.fundings.wish(id, clock.now())
  const own: Pick<Ledger, 'openSession' | 'topUp' | 'close' | 'revoke'> = {
    async openSession(session, key) {
      const address = await addressFor(session)
      if (address !== undefined) await ledger.fundings.open({ sessionId: session.id, address }, clock.now())
      const opened = await ledger.openSession(session, key)
      if (address !== undefined && opened.id === session.id) await wish(session.id)
      return opened
    },
    async topUp(id, ...by) {
      const session = await ledger.topUp(id, ...by)
      await wish(id)
      return session
    },
    async close(id) {
      const session = await ledger.close(id)
      await wish(id)
      return session
    },
    async revoke(id) {
      const session = await ledger.revoke(id)
      await wish(id)
      return session
    },
  }
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Object.hasOwn(own, name) ? Reflect.get(own, name) : Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}
