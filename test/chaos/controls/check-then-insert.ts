/** Control: the cap is looked at first and the money set aside later, so that two may see the same room. */
import { refused } from '../../../src/errors.ts'
import type { Ledger, NewSession } from '../../../src/ledger/ledger.ts'
import { MAX_CAP } from '../../../src/limits.ts'
import type { Session } from '../../../src/session/session.ts'
import type { BrokenControl } from '../campaign.ts'
import { wrapped } from './wrapped.ts'

export const checkThenInsert: BrokenControl = { name: 'check-then-insert', breaks: 'I1', ledgerOf: withCapsOutside }

/** The ledger below knows no cap worth the name; this one knows it, and asks before it reserves. */
const caps = new Map<string, bigint>()

function withCapsOutside(ledger: Ledger): Ledger {
  const seen = (session: Session | undefined): Session | undefined => session && { ...session, cap: caps.get(session.id) ?? session.cap }
  return wrapped(ledger, {
    openSession: (session: NewSession, key) => {
      caps.set(session.id, session.cap)
      return ledger.openSession({ ...session, cap: MAX_CAP }, key)
    },
    session: async (id) => seen(await ledger.session(id)),
    reserve: async (request) => {
      for (let id: string | null = request.purchase.sessionId; id !== null; ) {
        const session = seen(await ledger.session(id))
        if (!session) throw refused('not_found', `There is no session ${id}.`)
        const fits = session.spent + session.held + request.attempt.terms.amount <= session.cap
        if (!fits)
          return { kind: 'refused', refusal: await ledger.refuse(request.attempt, { code: 'spending_limit_exceeded', detail: 'No room.' }) }
        id = session.parent
      }
      return ledger.reserve(request)
    },
  })
}
