/**
 * A process dies while people decide: in the middle of a question, of a veto window, and of one that will be vetoed.
 * What lives on finishes: on PostgreSQL the replica beside it, on SQLite its successor on the same file.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { ask, type Got, type Order } from './agent.ts'
import { configOf } from './lane.ts'
import { type LedgerKind, ledgerOf } from './ledgers.ts'
import { HIRE, TELL_LONG } from './people.ts'
import { type Place, PurserProcess } from './process.ts'
import type { World } from './world.ts'

const AGAIN_MS = 500
/** The dead one is declared so after 15 s, and its window is anybody's 30 s after its end. */
const PATIENCE_MS = 90_000

const openedSchema = z.looseObject({ id: z.string(), token: z.string() })
const questionSchema = z.looseObject({ id: z.string(), kind: z.enum(['approval', 'veto']), resource: z.string() })
const inboxSchema = z.object({ items: z.array(questionSchema) })
type Question = z.infer<typeof questionSchema>

/** @returns what is wrong in the end; nothing where all is well */
export async function killWhilePeopleDecide(world: World, kind: LedgerKind): Promise<string[]> {
  await using started = new AsyncDisposableStack()
  const { ledger, env = {} } = await ledgerOf(kind, started)
  const home = async () => placeIn(started, { config: { ...configOf(world, world.testnet.rpcUrl), ...ledger }, env })
  const first = await home()
  const doomed = await running(started, first)
  const beside = kind === 'postgres' ? await running(started, await home()) : undefined
  await world.testnet.fund(doomed.walletAddress as `0x${string}`, 10_000_000n)
  const body = { agent: 'tester', purpose: 'crash', cap: '5.00', ttl: '1h' }
  const { id, token } = openedSchema.parse(await doomed.admin('/v1/sessions', { method: 'POST', body }))
  const [hired, told, vetoed] = [HIRE, TELL_LONG, TELL_LONG].map((headers): Order => ({ url: world.fresh(), headers }))
  if (!hired || !told || !vetoed) throw new Error('there are three orders')

  const unheard = [hired, told, vetoed].map((order) => ask(order, { proxyUrl: doomed.proxyUrl, credentials: `${id}:${token}` }))
  const questions = await all(doomed, unheard.length)
  doomed.kill()
  await Promise.all([doomed.ended, ...unheard])

  const survivor = beside ?? (await running(started, first))
  const decide = ({ id: question }: Question, verdict: string) =>
    survivor.admin(`/v1/approvals/${question}/${verdict}`, { method: 'POST', body: { reason: 'by the test' } })
  await decide(about(hired, questions), 'approve')
  await decide(about(vetoed, questions), 'deny')
  const again = (order: Order) => untilDecided(order, { proxyUrl: survivor.proxyUrl, credentials: `${id}:${token}` })
  const got = await Promise.all([hired, told, vetoed].map(again))

  const wrong: string[] = []
  const outcomes = got.map((one) => (one.kind === 'refused' ? one.code : one.kind)).join(', ')
  if (outcomes !== 'goods, goods, vetoed') wrong.push(`question, window and veto ended as ${outcomes}`)
  const settled = await world.testnet.settlementsFrom(survivor.walletAddress as `0x${string}`)
  if (settled.length !== 2) wrong.push(`${settled.length} settlements instead of 2`)
  const { held, payments } = await survivor.admin(`/v1/sessions/${id}`)
  if (held !== '0.00' || payments !== 2) wrong.push(`the session holds ${String(held)} after ${String(payments)} payments`)
  const { ok } = await survivor.admin('/v1/receipts/verify')
  if (ok !== true) wrong.push('the receipts do not verify')
  return wrong
}

async function placeIn(
  started: AsyncDisposableStack,
  { config, env }: { readonly config: object; readonly env: Place['env'] },
): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'purser-beside-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  const configFile = join(folder, 'purser.yaml')
  await writeFile(configFile, JSON.stringify(config))
  return { configFile, dataDir: join(folder, 'data'), env }
}

async function running(started: AsyncDisposableStack, place: Place): Promise<PurserProcess> {
  const process = await PurserProcess.start(place)
  if (!process) throw new Error('it was killed before it served')
  started.defer(async () => {
    process.kill()
    await process.ended
  })
  return process
}

/** All that people are asked, once it is there, with their windows begun. */
async function all(process: PurserProcess, count: number): Promise<readonly Question[]> {
  for (;;) {
    const { items } = inboxSchema.parse(await process.admin('/v1/approvals?state=pending'))
    if (items.length === count) return items
    await wait(20)
  }
}

function about({ url }: Order, questions: readonly Question[]): Question {
  const found = questions.find(({ resource }) => resource.endsWith(new URL(url).search) && resource.includes(new URL(url).host))
  if (!found) throw new Error(`nobody was asked about ${url}`)
  return found
}

/** As an agent does that is told to come back. */
async function untilDecided(order: Order, options: { readonly proxyUrl: string; readonly credentials: string }): Promise<Got> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const got = await ask(order, options)
    if (got.kind !== 'refused' || got.code !== 'approval_pending' || Date.now() > until) return got
    await wait(AGAIN_MS)
  }
}
