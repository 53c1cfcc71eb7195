/** A rig whose one tier involves people, and hands to play them. */
import type { Approval } from '../../src/approval/approval.ts'
import type { Policy } from '../../src/payment/deps.ts'
import { tiersSchema } from '../../src/policy/tiers.ts'
import type { PaymentOutcome } from '../../src/session/exchange.ts'
import { COMPLETE, type Rig, type RigOptions, settleDown, startRig } from './rig.ts'

const conditions = { maxAmount: '5', categories: ['api_calls'], recipientTrust: 'verified', frequency: { max: 100, per: '1h' } }
const FREE = { name: 'free', conditions: { ...conditions, maxAmount: '0.0005' }, approval: 'none' }

export const ASKING = tiersSchema.parse([FREE, { name: 'asking', conditions, approval: 'explicit_human', timeout: '1h' }])
export const ASKING_TWO = tiersSchema.parse([{ name: 'asking', conditions, approval: 'explicit_human', timeout: '1h', approvers: 2 }])
export const TELLING = tiersSchema.parse([{ name: 'telling', conditions, approval: 'notify_with_veto', vetoWindow: '30s' }])

export interface Governed extends Rig {
  /** The newest approval; @throws Error where there is none. */
  last(): Promise<Approval>
  approve(person?: string): Promise<void>
  deny(reason?: string): Promise<void>
}

export async function startGoverned(tiers: Policy['tiers'], options: RigOptions = {}): Promise<Governed> {
  const policy: Partial<Policy> = { tiers, ...options.policy }
  const rig = await startRig({ ...options, policy })
  const { approvals } = rig.people
  const last = async () => {
    const { items } = await approvals.approvals({}, { limit: 1 })
    const [approval] = items
    if (!approval) throw new Error('nobody was asked')
    return approval
  }
  return {
    ...rig,
    last,
    approve: async (person = 'ops') => {
      await approvals.vote((await last()).id, { person, verdict: 'approve', reason: 'fine', channel: 'cli' })
    },
    deny: async (reason = 'too dear') => {
      await approvals.vote((await last()).id, { person: 'ops', verdict: 'deny', reason, channel: 'cli' })
    },
  }
}

export const refusal = (outcome: PaymentOutcome) => (outcome.kind === 'refuse' ? outcome.refusal : undefined)

/** Hands the answer over as the proxy does when the agent has all of it. */
export async function deliver(rig: Rig, outcome: PaymentOutcome): Promise<void> {
  if (outcome.kind !== 'answer') throw new Error(`no answer: ${JSON.stringify(refusal(outcome)?.detail)}`)
  await outcome.delivered(COMPLETE)
  await rig.deps.inFlight.idle()
}

/** Until people were asked or told once more than before. */
export async function untilTold(rig: Rig, count: number): Promise<void> {
  while (rig.people.told.length < count) await new Promise((resolve) => setImmediate(resolve))
  await settleDown()
}
