/**
 * Admin: the operators' HTTP API, and the agent's own door. People open sessions here, look at what was paid, stop and
 * revoke; agents look at their own session and at nothing else. Credentials of the one open nothing in the other.
 *
 * role: what a token may do (all, operator, approver, auditor). view: how a thing of ours looks as JSON (views.ts).
 */
import { bearer } from './authenticate.ts'
import { registerCorrections } from './corrections.ts'
import type { AdminDeps } from './deps.ts'
import { boundBody, guardDoor, secureHeaders } from './door-guard.ts'
import { registerHalts } from './halts.ts'
import { registerPayments } from './payments.ts'
import { registerPolicy } from './policy.ts'
import { registerReceipts } from './receipts.ts'
import { registerRecipients } from './recipients.ts'
import { registerReconcile } from './reconcile.ts'
import { type AdminApp, createRouter } from './router.ts'
import { registerSessions } from './sessions.ts'
import { registerStart } from './start-page.ts'
import { registerStatus } from './status.ts'
import { registerTokens } from './tokens.ts'
import { registerWallet } from './wallet.ts'

/** The API as an app that answers Requests; `startAdmin` gives it an address. */
export function createAdminApp(deps: AdminDeps): AdminApp {
  const app = createRouter(deps.events)
  app.use(secureHeaders, guardDoor(deps.hosts ?? []), boundBody)
  registerStart(app)
  registerStatus(app, deps)
  app.use('/v1/*', bearer(deps))
  registerSessions(app, deps)
  registerPayments(app, deps)
  registerCorrections(app, deps)
  registerReconcile(app, deps)
  registerRecipients(app, deps)
  registerReceipts(app, deps)
  registerPolicy(app, deps)
  registerHalts(app, deps)
  registerTokens(app, deps)
  registerWallet(app, deps)
  return app
}
