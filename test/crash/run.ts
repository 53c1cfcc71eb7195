/** One lane from its first order to its verdict: killed at each waypoint, started again, asked again, and compared in the end. */
import type { Waypoint } from '../../src/waypoints.ts'
import { type Lane, PATIENCE_MS } from './lane.ts'
import type { Plan } from './process.ts'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { paymentsOf, wrongInTheEnd, wrongNow } from './verdict.ts'

/** How soon after the agent has its answer the rest of the way is over. */
const AFTERMATH_MS = 1_000
const RECONCILIATIONS = 40

/** Kills the process at this waypoint, starts it again, and lets the agents ask again. @returns what is wrong by then. */
export async function killAt(lane: Lane, { waypoint, pass }: Plan & { readonly waypoint: Waypoint }): Promise<string[]> {
  const scenario = SCENARIOS[waypoint]
  const plan = { waypoint, pass: scenario.once ? 1 : pass }
  if (!scenario.late) lane.openGate()
  await scenario.before?.(lane)
  await (scenario.atStart ? dieAtStart : dieOnTheWay)(lane, { scenario, plan })
  await lane.start()
  await lane.askAgain()
  return (await wrongNow(lane)).map((wrong) => `after “${plan.waypoint}” (${plan.pass}): ${wrong}`)
}

interface Planned {
  readonly scenario: Scenario
  readonly plan: Plan
}

async function dieAtStart(lane: Lane, { scenario, plan }: Planned): Promise<void> {
  await scenario.act(lane)
  await lane.process.ended
  await lane.startDoomed(plan)
}

/** A waypoint may be passed once in each purchase; its n-th pass takes n of them. */
async function dieOnTheWay(lane: Lane, { scenario, plan }: Planned): Promise<void> {
  await lane.process.arm(plan)
  for (let act = 1; act <= plan.pass; act++) {
    await scenario.act(lane)
    if ((await lane.process.within(act < plan.pass ? AFTERMATH_MS : PATIENCE_MS)) === 'SIGKILL') return
  }
  throw new Error(`“${plan.waypoint}” was not passed ${plan.pass} times: ${JSON.stringify(lane.purchases.at(-1)?.got)} ${lane.process.log}`)
}

/** Lets every window close, asks the chain, lets every agent ask once more, and judges. */
export async function finish(lane: Lane): Promise<string[]> {
  lane.openGate()
  await reconcile(lane)
  await lane.askAgainInTheEnd()
  await reconcile(lane)
  return wrongInTheEnd(lane)
}

async function reconcile(lane: Lane): Promise<void> {
  await lane.untilWindowsClosed()
  for (let round = 0; round < RECONCILIATIONS; round++) {
    await lane.world.testnet.mine({ blocks: 1 })
    await lane.process.admin('/v1/reconcile', { method: 'POST', body: {} })
    if (!(await paymentsOf(lane)).some(({ state }) => ['reserved', 'signed', 'sent', 'unknown'].includes(state))) return
  }
}
