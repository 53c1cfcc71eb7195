/**
 * The processes of a benchmark, each pinned to one core where `taskset` is there: what is measured on core 0, the origin
 * and the load on core 1. Whoever starts one stops it (`await using`).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { z } from 'zod'

export const MEASURED_CORE = 0
export const LOAD_CORE = 1

const STOP_MS = 20_000
/** What the kernel counts processor time in; a hundredth of a second on every Linux that people run. */
const TICK_MS = 10

export const isPinned: boolean = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0

/** A bench that is interrupted leaves nothing running. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

export interface Plan<Ready> {
  readonly file: string
  readonly args?: readonly string[]
  /** Node's own, such as `--cpu-prof`. */
  readonly flags?: readonly string[]
  readonly core: number
  /** The first line of stdout. */
  readonly ready: z.ZodType<Ready>
  /** Where stderr goes: a descriptor, or ours. */
  readonly stderr?: number
}

export interface Running<Ready> extends AsyncDisposable {
  readonly ready: Ready
  /** User and system time so far, in milliseconds; NaN where the system does not tell. */
  cpu_ms(): number
  /** One question at a time. */
  ask<Answer>(question: object, schema: z.ZodType<Answer>): Promise<Answer>
}

/** Resolves when the process has said where it is. @throws Error where it ends before. */
export async function startProcess<Ready>(plan: Plan<Ready>): Promise<Running<Ready>> {
  const { file, args = [], flags = [], core, stderr } = plan
  const [program = '', ...rest] = [...(isPinned ? ['taskset', '-c', `${core}`] : []), process.execPath, ...flags, file, ...args]
  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
  const child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', stderr ?? 'inherit', 'ipc'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  try {
    const line = await firstLine(child, file)
    if (!line.endsWith('}')) throw new Error(`${file} did not say where it is, but: ${line}`)
    return runningOf(child, plan.ready.parse(JSON.parse(line)))
  } catch (fault) {
    child.kill('SIGKILL')
    throw fault
  }
}

function runningOf<Ready>(child: ChildProcess, ready: Ready): Running<Ready> {
  return {
    ready,
    cpu_ms: () => processorTime_ms(child.pid ?? 0),
    async ask(question, schema) {
      child.send(question)
      return schema.parse(await orEnd(child, (signal) => once(child, 'message', { signal })))
    },
    [Symbol.asyncDispose]: () => stop(child),
  }
}

async function firstLine(child: ChildProcess, file: string): Promise<string> {
  if (!child.stdout) throw new Error(`${file} has no stdout`)
  const lines = createInterface({ input: child.stdout })
  return String(await orEnd(child, (signal) => once(lines, 'line', { signal })))
}

/** The first argument of what is awaited. @throws Error where the process ends before. */
async function orEnd(child: ChildProcess, wait: (signal: AbortSignal) => Promise<unknown[]>): Promise<unknown> {
  const settled = new AbortController()
  const ended = async (): Promise<never> => {
    await once(child, 'exit', { signal: settled.signal })
    throw new Error(`${child.spawnargs.join(' ')} ended with ${child.exitCode ?? child.signalCode}`)
  }
  try {
    const [first] = await Promise.race([wait(settled.signal), ended()])
    return first
  } finally {
    settled.abort()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const alarm = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
  clearTimeout(alarm)
}

/** Fields 14 and 15 of /proc/PID/stat, counted from after the name, which may hold spaces. */
function processorTime_ms(pid: number): number {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}

/** Of a process and all children that it has and had. */
export function familyTime_ms(pid: number): number {
  const fields = statOf(pid)
  const ended = (Number(fields[13]) + Number(fields[14])) * TICK_MS
  // One that ends while it is asked is counted among the ended soon.
  return childrenOf(pid).reduce((sum, child) => sum + (processorTime_ms(child) || 0), processorTime_ms(pid) + ended)
}

function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function statOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
  } catch {
    return []
  }
}
