/** Revocations, whoever made them: what a revoked session still has open ends here too, and so does that of all below it. */
import type { Ledger } from '../ledger/ledger.ts'
import type { Events } from '../telemetry/events.ts'
import type { AdminDeps } from './deps.ts'

export interface RevocationWatch extends Pick<AdminDeps, 'onRevoked'> {
  readonly ledger: Pick<Ledger, 'watch' | 'session'>
  readonly events: Pick<Events, 'warned'>
}

/** Calls `onRevoked` for each session that is revoked; closed ones still forward what costs nothing. @returns how to stop. */
export function watchRevocations({ ledger, onRevoked, events }: RevocationWatch): () => void {
  const look = async (sessionId: string) => {
    const session = await ledger.session(sessionId)
    if (session?.status === 'revoked') onRevoked(sessionId)
  }
  return ledger.watch((change) => {
    if (change.kind !== 'session_ended') return
    look(change.sessionId).catch((fault: unknown) => {
      // Whether it was closed or revoked cannot be told, so it is treated as what must not go on.
      onRevoked(change.sessionId)
      events.warned(`Session ${change.sessionId} ended, and the ledger does not say how: what it still had open was ended too.`, fault)
    })
  })
}
