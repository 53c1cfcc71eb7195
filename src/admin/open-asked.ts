/** What an operator or an agent asks to be opened: a session, a child of one, or a session under a mandate. */
import { refused } from '../errors.ts'
import type { AdminKey } from '../ledger/administration.ts'
import type { NewSession } from '../ledger/ledger.ts'
import type { Session } from '../session/session.ts'
import { completed, type SessionRequest } from '../session/spec.ts'
import type { AdminDeps } from './deps.ts'
import { type MandatedDeps, newMandated } from './mandated.ts'
import { newChild, newSession, openOnce } from './open-session.ts'

/**
 * Opens what an operator asks for.
 * @throws PurserError `request_invalid`, `conflict`
 */
export async function openAsked(asked: SessionRequest, deps: AdminDeps, key: AdminKey | undefined): Promise<Session> {
  const { ledger } = deps
  refuseFormat(asked, deps)
  return openOnce(ledger, key, async () => {
    const parent = asked.parent ? await ledger.session(asked.parent) : undefined
    if (asked.parent && !parent) throw refused('request_invalid', `parent: there is no session ${asked.parent}.`)
    if (asked.mandate !== undefined) return newMandated(asked, deps, { parent, opener: 'operator' })
    return parent ? newChild(parent, asked, { ...deps, opener: 'operator' }) : newSession(completed(asked), deps)
  })
}

/**
 * The child that an agent asks for under its own session, and under a mandate where it presents one.
 * @throws PurserError `request_invalid`, `conflict`
 */
export async function newOwnChild(parent: Session, asked: SessionRequest, deps: MandatedDeps): Promise<NewSession> {
  if (asked.mandate !== undefined) return newMandated(asked, deps, { parent, opener: 'agent' })
  return newChild(parent, asked, { ...deps, opener: 'agent' })
}

/** @throws PurserError `request_invalid` where a JWT is wanted and there is no key to sign it. */
export function refuseFormat({ tokenFormat }: SessionRequest, { jwts }: Pick<AdminDeps, 'jwts'>): void {
  if (tokenFormat === 'jwt' && !jwts) throw refused('request_invalid', 'tokenFormat: this Purser has no key for JWTs.')
}
