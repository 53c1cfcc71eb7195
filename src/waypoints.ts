/**
 * Waypoints: named places on the way of a payment, in its order. Passing one costs nothing unless somebody listens on
 * the diagnostics channel `purser:waypoint`; the crash tests do, and kill the process there.
 */
import { channel } from 'node:diagnostics_channel'

export const WAYPOINTS = [
  // 1 accept, 3 forward, 4 challenge
  'request admitted',
  'request forwarded',
  '402 arrived',
  '402 read',
  'challenge understood',
  'body complete',
  'bars passed',
  // an earlier attempt
  'before joining',
  'joined',
  'stored answer found',
  'before asking the chain',
  'chain asked',
  'presenting again',
  // 5 quote, 6 decide
  'quoted',
  'judged',
  // 6b people, before the money and on it
  'people asked',
  'people heard',
  'approval claimed',
  'challenge asked for again',
  'owner alerted',
  'window opening',
  'window opened',
  'window ending',
  'window ended',
  'window left',
  'window passed',
  'before freeing',
  'freed',
  // 7 reserve
  'before reserving',
  'holding',
  'hold written',
  'refusal written',
  'reserved',
  'purchase held',
  // every write to the ledger
  'rows locked',
  'changes sent',
  'before the commit',
  'committed',
  'mark reached',
  'note taken',
  'receipt written',
  // 8 sign
  'before signing',
  'signed',
  'authorization written',
  'recorded',
  // 9 retry
  'before sending',
  'window checked',
  'sending noted',
  'request on the wire',
  'answer arrived',
  // 10 conclude
  'settlement read',
  'settlement written',
  'posted',
  'unknown written',
  'left unknown',
  'before voiding',
  'void written',
  'voided',
  // 11 the answer
  'before the answer',
  'bytes passed on',
  'answer ended',
  'answer handed over',
  'before keeping the answer',
  'answer sealed',
  'answer kept',
  'delivery written',
  'delivered',
  'purchase let go',
  'before reopening',
  'reopening written',
  'reopened',
  // sessions
  'cap raised',
  'session ending',
  'session ended',
  // recovery and proof
  'taking over',
  'taken over',
  'claimed',
  'before resolving',
  'resolution written',
  'resolved',
  'put off',
  'checkpoint signed',
  'checkpoint written',
] as const

export type Waypoint = (typeof WAYPOINTS)[number]

/** On the way of money to the address of a session, and back. */
export const FUNDING_WAYPOINTS = ['funding planned', 'funding noted', 'funding sent'] as const
export type FundingWaypoint = (typeof FUNDING_WAYPOINTS)[number]

const passed = channel('purser:waypoint')

/** Says that the process has come to this place. */
export function passing(waypoint: Waypoint | FundingWaypoint): void {
  if (passed.hasSubscribers) passed.publish(waypoint)
}
