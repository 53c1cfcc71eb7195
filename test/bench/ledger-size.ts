/** What a payment costs in a small ledger and in large ones, in turn; and what is asked now and then, which must not grow either. */
import { type Bed, cpuOf } from './ledger-contenders.ts'
import { type Amounts, bulkSession, fill } from './ledger-fill.ts'
import { buy, rate, rest } from './ledger-load.ts'
import { median, ratioOf } from './statistics.ts'

export interface SizeOptions {
  readonly open: () => Promise<Bed>
  /** The smallest first: the others are measured against it, and against the second. */
  readonly amounts: readonly Amounts[]
  readonly lanes: number
  /** Payments in each round. */
  readonly payments: number
  readonly rounds: number
  readonly tell: (sentence: string) => void
}

export interface SizeScore extends Amounts {
  /** Payments per second, by round. */
  readonly rates: readonly number[]
  /** Processor time of a payment in microseconds, the server's among it, by round. */
  readonly cpu_us: readonly number[]
  /** How often the time, and the processor time, of a payment is that in the first, and in the second. */
  readonly time: number
  readonly cpu: number
  readonly fewTime: number
  readonly fewCpu: number
  /** What the others ask takes in milliseconds: the median of a few. */
  readonly asked_ms: Readonly<Record<string, number>>
}

interface Sized {
  readonly bed: Bed
  readonly amounts: Amounts
  readonly rates: number[]
  readonly cpu_us: number[]
}

export async function sizes(options: SizeOptions): Promise<readonly SizeScore[]> {
  const { open, amounts, rounds, tell } = options
  await using stack = new AsyncDisposableStack()
  const all: Sized[] = []
  for (const amount of amounts) {
    const bed = stack.use(await open())
    const started = performance.now()
    await fill(bed, amount)
    tell(`filled ${amount.sessions} sessions, ${amount.receipts} receipts in ${((performance.now() - started) / 1000).toFixed(0)} s`)
    all.push({ bed, amounts: amount, rates: [], cpu_us: [] })
  }
  for (let round = 0; round <= rounds; round++) {
    for (const sized of all) await measure(sized, options, round > 0)
    tell(`round ${round}: ${all.map(({ rates }) => rates.at(-1)?.toFixed(0) ?? '-').join(', ')} payments/s`)
  }
  const scores: SizeScore[] = []
  for (const sized of all) scores.push({ ...scoreOf(sized, all), asked_ms: await ask(sized) })
  return scores
}

/** Sessions are drawn at random, so that nothing is at hand. */
async function measure({ bed, amounts, rates, cpu_us }: Sized, { lanes, payments }: SizeOptions, kept: boolean): Promise<void> {
  const before = cpuOf(bed)
  const paid = await rate({ lanes, payments }, () => buy(bed.ledger, bulkSession(Math.floor(Math.random() * amounts.sessions))))
  await rest(bed.ledger)
  if (!kept) return
  rates.push(paid)
  cpu_us.push(((cpuOf(bed) - before) * 1000) / payments)
}

function scoreOf(sized: Sized, [first = sized, second = first]: readonly Sized[]): Omit<SizeScore, 'asked_ms'> {
  const { amounts, rates, cpu_us } = sized
  const to = (other: Sized) => ({ time: ratioOf(other.rates, rates), cpu: ratioOf(cpu_us, other.cpu_us) })
  const few = to(second)
  return { ...amounts, rates, cpu_us, ...to(first), fewTime: few.time, fewCpu: few.cpu }
}

const ASKS = 5

/** What runs now and then, or when somebody looks: on SQLite all payments wait for it. */
async function ask({ bed: { ledger }, amounts }: Sized): Promise<Record<string, number>> {
  const { sessionId: session } = bulkSession(amounts.sessions - 1)
  const page = { limit: 100 }
  const questions: Record<string, () => Promise<unknown>> = {
    totals: () => ledger.totals(),
    'take over': () => ledger.takeOver(),
    'claim unproven': () => ledger.claimUnproven({ networks: [], limit: 100 }),
    'payments of a session': () => ledger.payments({ session }, page),
    'payments of an agent': () => ledger.payments({ agent: 'agent-7' }, page),
    'payments to a host': () => ledger.payments({ recipient: 'api-7.example.com' }, page),
    'payments in a state that none has': () => ledger.payments({ state: 'expired' }, page),
    'payments of a tool that nobody has': () => ledger.payments({ tool: 'none' }, page),
    'receipts of a session': () => ledger.receipts({ session }, page),
    'receipts of an agent that nobody is': () => ledger.receipts({ agent: 'nobody' }, page),
    recipients: () => ledger.recipients(page),
    'sessions, newest': () => ledger.sessions(page),
  }
  const asked: Record<string, number> = {}
  for (const [name, question] of Object.entries(questions)) {
    const took: number[] = []
    for (let n = 0; n < ASKS; n++) {
      const started = performance.now()
      await question()
      took.push(performance.now() - started)
    }
    asked[name] = median(took)
  }
  return asked
}
