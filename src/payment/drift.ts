/** Drift of a session, as the policy is told of it and as people hear of it. */
import type { Concern } from '../policy/decision.ts'
import type { Drift } from '../session/drift.ts'
import type { Session } from '../session/session.ts'
import type { Case } from './case.ts'
import { placeOf } from './place.ts'

/** What follows from it is the scope's to say; where it says nothing, it is reported. */
export function concernOf({ sentence }: Drift, { scope }: Pick<Session, 'scope'>): Concern {
  return { on: scope.onDrift ?? 'report', code: 'out_of_scope', rule: 'session.scope.onDrift', sentence }
}

/** Raises the event of each finding once; where the scope names a consequence, its owner hears of it too. */
export async function tellDrifts({ deps, request }: Case, drifts: readonly Drift[]): Promise<void> {
  const { session, url } = request
  const { host } = placeOf(url)
  const consequence = session.scope.onDrift ?? 'report'
  for (const { kind, value, sentence } of drifts) {
    if (!deps.guards.isNews(JSON.stringify([session.id, kind, value]))) continue
    deps.events.sessionDrifted({ sessionId: session.id, agent: session.agent, host, kind, consequence, sentence })
    if (session.scope.onDrift !== undefined) await alertOwner({ deps, session }, { host, sentence })
  }
}

/** The verdict stands in any case. */
async function alertOwner(
  { deps, session }: Pick<Case, 'deps'> & { readonly session: Session },
  { host, sentence }: { readonly host: string; readonly sentence: string },
): Promise<void> {
  const { id: sessionId, agent, owner, purpose } = session
  try {
    await deps.people.alert({
      ...{ type: 'session.drift', sessionId, agent, owner, at: deps.clock.now() },
      sentence: `${agent} pays otherwise than it began. ${sentence}`,
      facts: [
        ['Session', sessionId],
        ['Purpose', purpose],
        ['Host', host],
      ],
    })
  } catch (fault) {
    deps.events.faulted('alert of a drift', fault)
  }
}
