/** Endings: what must hold when everything works again and time has passed. Nothing is held for ever. */
import { isUnproven, returnsCounted, Violation } from './books.ts'
import type { Plan } from './plan.ts'
import type { World } from './world.ts'

/** Waits longer and longer: what a clock that ran ahead has put off is looked at in the end. */
const WAITS_MS = [1_000, 200_000, 70_000, 600_000, 3_600_000, 90_000_000, 90_000_000, 180_000_000]

/** Lets time pass until no payment is open. @throws Violation where one stays so. */
export function settleAll(world: World, plan: Plan): void {
  world.heal()
  for (const [turn, wait_ms] of WAITS_MS.entries()) {
    quiet(world)
    if (settled(world, plan)) return
    world.agenda.skipTo(world.agenda.now + wait_ms)
    // Any replica can finish what another began.
    const replica = world.replicas[turn % world.replicas.length]
    round(world, replica?.running?.look())
  }
  quiet(world)
  if (settled(world, plan)) return
  if (!returnsCounted(world.ground.books, world.chain)) throw new Violation('G9', 'what came back is not counted, or twice')
  const left = world.ground.books.entries().filter((entry) => isUnproven(entry, plan.known))
  throw new Violation('G9', `held for ever: ${left.map(({ id, state }) => `${id} ${state}`).join(', ')}`)
}

function settled(world: World, { known }: Plan): boolean {
  const { books } = world.ground
  return returnsCounted(books, world.chain) && !books.entries().some((entry) => isUnproven(entry, known))
}

/** What is under way comes to its end. */
function quiet(world: World): void {
  const until = world.agenda.now + 1_000
  while (world.step(until));
  world.agenda.skipTo(until)
}

function round(world: World, looked: Promise<void> | undefined): void {
  let over = looked === undefined
  const end = () => {
    over = true
  }
  looked?.then(end, end)
  world.agenda.settle()
  while (!over && world.step());
}

/** The ledger against the chain, to the unit. @throws Violation. */
export function compareWithChain(world: World, { known }: Plan): void {
  const { chain, ground, truth, checker } = world
  const spent = new Map<string, bigint>()
  const parents = new Map(ground.books.accounts().map(({ id, parent }) => [id, parent]))
  for (const entry of ground.books.entries()) {
    const use = chain.finalUse(entry.nonce)
    const signed = truth.of(entry.id)
    const taken = use?.call.kind === 'transfer' && signed !== undefined && truth.made(signed, use.call)
    if (taken && entry.state !== 'settled' && entry.state !== 'expired')
      throw new Violation('G4', `payment ${entry.id} is ${entry.state}, and the chain took it`)
    if (!taken && known && entry.state !== 'void')
      throw new Violation('G4', `payment ${entry.id} is ${entry.state}, and the chain never took it`)
    if (taken && known && entry.evidence !== 'confirmed') throw new Violation('G4', `payment ${entry.id} is settled as ${entry.evidence}`)
    if (entry.state === 'void') continue
    for (let id: string | null = entry.sessionId; id !== null; id = parents.get(id) ?? null)
      spent.set(id, (spent.get(id) ?? 0n) + entry.amount)
  }
  for (const account of ground.books.accounts()) {
    if (account.held !== 0n) throw new Violation('G9', `session ${account.id} holds ${account.held} for ever`)
    const sum = spent.get(account.id) ?? 0n
    if (account.spent !== sum) throw new Violation('G1', `session ${account.id} says ${account.spent} spent, its payments say ${sum}`)
  }
  for (const use of chain.finalUses())
    if (truth.with(use.call.nonce).length === 0) throw new Violation('I3', `the chain took ${use.call.nonce}, which nobody signed`)
  for (const { paymentId, withdrawn, left } of truth.all) {
    const entry = ground.books.entries().find(({ id }) => id === paymentId)
    if (!entry && left) throw new Violation('I5', `payment ${paymentId} left and has no row`)
    if (entry && !withdrawn && checker.told.get(paymentId) !== entry.state) {
      throw new Violation('I5', `payment ${paymentId} is ${entry.state}, its last receipt says ${checker.told.get(paymentId)}`)
    }
  }
}
