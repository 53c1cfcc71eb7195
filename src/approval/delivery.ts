/** One attempt to deliver a notice: what leaves, where it goes, and what its answer means. */
import type { Clock } from '../clock.ts'
import { LINK_LIFETIME_MS, MAX_NOTICE_ATTEMPTS, MAX_NOTICE_RETRY_MS, NOTICE_RETRY_MS, UNDELIVERABLE_ATTEMPTS } from '../people-limits.ts'
import type { Events } from '../telemetry/events.ts'
import type { Approval, ApprovalStore, Notice } from './approval.ts'
import type { Links } from './links.ts'
import { payloadOf, type Way } from './payload.ts'
import { type Address, addressNamed, type Contacts, mayDecide } from './people.ts'
import { type Post, webhookHeaders } from './webhook.ts'

export interface DeliveryDeps {
  readonly store: Pick<ApprovalStore, 'approval'>
  readonly contacts: Contacts
  readonly links: Links
  /** Where people reach the approval page, e.g. `https://purser.example`. Asked for each notice. */
  readonly pageUrl: () => string
  readonly post: Post
  readonly clock: Clock
  readonly events: Pick<Events, 'noticeEnded' | 'approvalUndelivered' | 'warned'>
}

export interface Delivery {
  /** The notice as it stands after one attempt: delivered, dead, or waiting for its next one. Rejects only with the store's faults. */
  attempt(notice: Notice): Promise<Notice>
  /** Whether it failed often enough not to be counted on any more. */
  isInVain(notice: Notice): boolean
}

/** The receiver says that it is gone for good. */
const GONE = 410

export function createDelivery(deps: DeliveryDeps): Delivery {
  return {
    attempt: (notice) => attempt(notice, deps),
    isInVain: ({ state, attempts }) => state === 'dead' || (state === 'waiting' && attempts >= UNDELIVERABLE_ATTEMPTS),
  }
}

async function attempt(notice: Notice, deps: DeliveryDeps): Promise<Notice> {
  const { store, contacts, clock } = deps
  const approval = notice.approvalId === null ? undefined : await store.approval(notice.approvalId)
  const address = addressNamed(contacts, notice.target)
  if (!address) return dead(notice, 'This address is not configured any more.')
  if (address.url === undefined) return dead(notice, 'Nobody fetched it in time.')
  const stale = staleness(notice, approval)
  if (stale !== undefined) return { ...notice, state: 'not_needed', lastError: stale }
  const fault = await send(notice, { ...deps, approval, address, url: address.url })
  if (fault === undefined)
    return { ...notice, state: 'delivered', attempts: notice.attempts + 1, deliveredAt: clock.now(), lastError: null }
  const failed = { ...notice, attempts: notice.attempts + 1, lastError: fault.reason }
  if (fault.isFinal || failed.attempts >= MAX_NOTICE_ATTEMPTS) return dead(failed, fault.reason)
  return { ...failed, dueAt: clock.now() + retryDelay(failed.attempts) }
}

function dead(notice: Notice, lastError: string): Notice {
  return { ...notice, state: 'dead', lastError }
}

/** Asking people for what was decided meanwhile would only confuse them. */
function staleness({ type, approvalId }: Notice, approval: Approval | undefined): string | undefined {
  if (approvalId === null || (type !== 'approval.requested' && type !== 'veto.opened')) return undefined
  if (approval?.state !== 'pending') return 'It was not needed any more: the approval was over before.'
  return type === 'veto.opened' && approval.kind === 'approval' ? 'It was replaced: the window became an explicit approval.' : undefined
}

interface Fault {
  readonly reason: string
  readonly isFinal: boolean
}

interface Sending extends DeliveryDeps {
  readonly approval: Approval | undefined
  readonly address: Address
  readonly url: string
}

async function send(notice: Notice, sending: Sending): Promise<Fault | undefined> {
  const { address, url, post, clock } = sending
  const body = bodyOf(notice, sending)
  const headers = address.channel === 'slack' ? {} : webhookHeaders(body, { secret: address.secret, id: notice.id, now: clock.now() })
  try {
    const status = await post(url, { body, headers })
    if (status >= 200 && status < 300) return undefined
    return { reason: `The receiver answered ${status}.`, isFinal: status === GONE }
  } catch (cause) {
    return { reason: cause instanceof Error ? cause.message : 'The receiver could not be reached.', isFinal: false }
  }
}

/** What is kept holds no credential; what is sent holds the way on for exactly this reader. */
function bodyOf(notice: Notice, sending: Sending): string {
  const { approval, address } = sending
  const way = approval && wayOn(notice, approval, sending)
  return approval && way ? payloadOf({ type: notice.type, at: notice.createdAt, approval }, address, way) : notice.payload
}

function wayOn({ person, channel }: Notice, approval: Approval, { links, contacts, pageUrl, address }: Sending): Way | undefined {
  if (approval.state !== 'pending') return undefined
  const { id: approvalId, digest, kind } = approval
  const made = { approvalId, digest, kind, expiresAt: linkEnd(approval) }
  if (channel === 'slack') return address.buttons === false ? undefined : { token: links.mint({ ...made, person: '' }) }
  if (!mayDecide(contacts, person, approval)) return undefined
  return { link: `${pageUrl().replace(/\/$/, '')}/approve/${links.mint({ ...made, person })}` }
}

/** A window that has not begun yet ends later than it seems; whether it still runs is asked when the link is used. */
function linkEnd({ createdAt, expiresAt, window }: Approval): number {
  return Math.min(expiresAt + (window?.length_ms ?? 0), createdAt + LINK_LIFETIME_MS)
}

/** 1 s, 4 s, 16 s … after the first, second, third failure. */
function retryDelay(attempts: number): number {
  return Math.min(NOTICE_RETRY_MS * 4 ** (attempts - 1), MAX_NOTICE_RETRY_MS)
}
