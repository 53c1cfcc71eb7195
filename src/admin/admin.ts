/**
 * Admin: the operators' HTTP API, and the agent's own door. People open sessions here, look at what was paid, stop and
 * revoke; agents look at their own session and at nothing else. Credentials of the one open nothing in the other.
 *
 * role: what a token may do (all, operator, approver, auditor). view: how a thing of ours looks as JSON (views.ts).
 */
import { registerApprovalPage } from './approval-page.ts'
import { registerApprovals } from './approvals.ts'
import { bearer } from './authenticate.ts'
import { registerAuthorize } from './authorize.ts'
import { registerCeilings } from './ceilings.ts'
import { registerOverview } from './console-overview.ts'
import { registerProfiles } from './console-recipients.ts'
import { registerStories } from './console-story.ts'
import { registerCorrections } from './corrections.ts'
import type { AdminDeps } from './deps.ts'
import { boundBody, guardDoor, secureHeaders } from './door-guard.ts'
import { registerEvents } from './events-stream.ts'
import { registerHalts } from './halts.ts'
import { registerKeys } from './keys.ts'
import { registerMandates } from './mandates.ts'
import { registerNotices } from './notices.ts'
import { registerOidc } from './oidc-door.ts'
import { registerPayments } from './payments.ts'
import { registerPolicy } from './policy.ts'
import { registerReceipts } from './receipts.ts'
import { registerRecipients } from './recipients.ts'
import { registerReconcile } from './reconcile.ts'
import { registerReports } from './reports.ts'
import { type AdminApp, createRouter } from './router.ts'
import { registerSessions } from './sessions.ts'
import { registerSignIn } from './signin.ts'
import { createSignIns } from './signin-book.ts'
import { registerSlackCallback } from './slack-callback.ts'
import { registerStart } from './start-page.ts'
import { registerStatus } from './status.ts'
import { registerStopPage } from './stop-page.ts'
import { registerTokens } from './tokens.ts'
import { registerWallet } from './wallet.ts'

/** The API as an app that answers Requests; `startAdmin` gives it an address. */
export function createAdminApp(deps: AdminDeps): AdminApp {
  const app = createRouter(deps.events)
  app.use(secureHeaders, guardDoor(deps.hosts ?? []), boundBody)
  registerStart(app, deps.console?.files)
  registerStopPage(app)
  registerStatus(app, deps)
  registerPeoplesDoors(app, deps)
  registerKeys(app, deps)
  const signIns = createSignIns(deps)
  registerSignIn(app, { ...deps, signIns })
  registerOidc(app, { ...deps, signIns })
  app.use('/v1/*', bearer({ ...deps, signIns }))
  registerSessions(app, deps)
  registerMandates(app, deps)
  registerOverview(app, deps)
  registerPayments(app, deps)
  registerStories(app, deps)
  registerCorrections(app, deps)
  registerApprovals(app, deps.people)
  registerNotices(app, deps)
  registerAuthorize(app, deps)
  registerReconcile(app, deps)
  registerRecipients(app, deps)
  registerProfiles(app, deps)
  registerReceipts(app, deps)
  registerPolicy(app, deps)
  registerReports(app, deps)
  registerHalts(app, deps)
  registerTokens(app, deps)
  registerWallet(app, deps)
  registerCeilings(app, deps)
  if (deps.feed) registerEvents(app, { feed: deps.feed, signIns, people: deps.people })
  return app
}

/** These carry their own proof and need no token: a link of one person, a signature of Slack’s. */
function registerPeoplesDoors(app: AdminApp, { people, ledger, clock, ids, events }: AdminDeps): void {
  const useOnce = (mark: string, expiresAt: number) => ledger.approvals.useOnce(mark, expiresAt)
  const shared = { ...people, useOnce, clock, ids, events }
  registerApprovalPage(app, shared)
  registerSlackCallback(app, { ...shared, signingSecret: people.slackSigningSecret })
}
