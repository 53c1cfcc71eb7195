/**
 * M19: the disk fails in the middle of paying, for real, in a process of its own. Whatever was acknowledged before is
 * there after a restart, nothing is acknowledged after, caps hold. PURSER_DISK_FAULTS=1000 tries as many places of each
 * kind instead of five. Failing the n-th call needs a C compiler and mounting needs root; the limit on file sizes needs neither.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { randomIds, systemClock } from '../../src/clock.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { authorizationFor, CLAIMED, fixtures, usd } from '../ledger/fixtures.ts'
import type { Told } from './paying.ts'

const PLACES = Number.parseInt(process.env.PURSER_DISK_FAULTS ?? '5', 10)
const PAYMENTS = '24'
const PAYING = resolve(import.meta.dirname, 'paying.ts')
const SOURCE = resolve(import.meta.dirname, 'faulty-disk.c')
const hasCompiler = process.platform === 'linux' && spawnSync('cc', ['--version']).status === 0

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-disk-'))
  file = join(folder, 'purser.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

const make = fixtures(randomIds, () => Date.now())
const open = () => openSqliteLedger({ file, clock: systemClock, ids: randomIds, runId: randomIds('run') })

/** Runs the paying process with this command before it, and returns what it told. */
function runPaying(before: readonly string[] = [], env: Record<string, string> = {}, payments = PAYMENTS): Told[] {
  const [command = process.execPath, ...args] = [...before, process.execPath, PAYING, file, payments]
  const run = spawnSync(command, args, { env: { ...process.env, ...env }, encoding: 'utf8' })
  const told = run.stdout
    .trimEnd()
    .split('\n')
    .map((line): Told => JSON.parse(line))
  if (told.at(-1)?.kind !== 'end') throw new Error(`it died: ${run.signal ?? run.status} ${run.stderr}`)
  return told
}

/** What has to hold whatever the disk did; then the disk is sound again and the ledger goes on. */
async function judge(told: readonly Told[]): Promise<void> {
  const refusals = told.filter((one) => one.kind === 'closed_to_us')
  for (const one of refusals) expect(one).toMatchObject({ code: 'ledger_unavailable', detail: expect.stringContaining('purser.db') })
  const fault = told.findIndex(({ kind }) => kind === 'fault')
  if (fault >= 0) {
    const behind = told.slice(fault)
    expect(behind.map(({ kind }) => kind)).not.toContain('signed')
    expect(behind.map(({ kind }) => kind)).not.toContain('settled')
    expect(behind[0]).toMatchObject({ readiness: [expect.stringContaining('nothing is paid until it is repaired')] })
    for (const after of behind.filter(({ kind }) => kind === 'after')) expect(after).toMatchObject({ refused: 4, done: 0, readable: true })
  }
  await judgeRestarted(told)
}

async function judgeRestarted(told: readonly Told[]): Promise<void> {
  await using ledger = await open()
  expect(await ledger.readiness()).toEqual([])
  const payments = new Map<string, Payment>()
  for (const one of told) {
    if (one.kind === 'session') expect(await ledger.session(one.id)).toMatchObject({ id: one.id })
    if (one.kind !== 'signed' && one.kind !== 'settled') continue
    const payment = await ledger.payment(one.id)
    expect(payment?.state, `${one.id} was told to be ${one.kind}`).toMatch(one.kind === 'settled' ? /^settled$/ : /^(settled|unknown)$/)
  }
  for (const payment of (await ledger.payments({}, { limit: 1_000 })).items) payments.set(payment.id, payment)
  const sum = (state: string) =>
    [...payments.values()].filter((payment) => payment.state === state).reduce((all, { terms }) => all + (terms?.amount ?? 0n), 0n)
  for (const session of (await ledger.sessions({ limit: 10 })).items) {
    expect([session.spent, session.held]).toEqual([sum('settled'), sum('unknown')])
    expect(session.spent + session.held <= session.cap).toBe(true)
  }
  expect(await ledger.verifyReceipts()).toMatchObject({ ok: true, brokenAt: null })
  const { id } = await ledger.openSession(make.session())
  const request = make.request(id, usd(1))
  const result = await ledger.reserve(request)
  if (result.kind !== 'reserved') throw new Error(`after the repair nothing is paid: ${result.kind}`)
  await result.reservation.record(authorizationFor(request))
  await result.reservation.post(CLAIMED)
}

const acknowledged = (told: readonly Told[]) => told.filter(({ kind }) => kind === 'signed' || kind === 'settled').length

describe('a disk that takes no more: files may not grow', () => {
  it('keeps what was acknowledged, and nothing is paid until the next start', async () => {
    const limits = [0, 256, 600, 680, 760, 800, 900, 1_200, 2_000]
    const runs: number[] = []
    for (const limit of limits) {
      const told = runPaying(['sh', '-c', `ulimit -f ${limit} && exec "$@"`, 'sh'])
      runs.push(acknowledged(told))
      await judge(told)
      rmSync(folder, { recursive: true })
      mkdirSync(folder)
    }
    // Some failed at once, and some in the middle of paying.
    expect(runs[0]).toBe(0)
    expect(runs.filter((count) => count > 0 && count < 40).length).toBeGreaterThan(1)
  })
})

describe.runIf(hasCompiler)('a disk whose n-th call fails', () => {
  let shim = ''
  beforeEach(() => {
    shim = join(folder, 'faulty-disk.so')
    execFileSync('cc', ['-shared', '-fPIC', '-pthread', '-O1', '-o', shim, SOURCE, '-ldl'])
  })

  /** How many writes and syncs a run has that nothing fails for, and what it acknowledges. */
  function countCalls(payments?: string): { writes: number; syncs: number; told: number } {
    const count = join(folder, 'count')
    const told = acknowledged(runPaying([], { LD_PRELOAD: shim, FAULT_COUNT: count }, payments))
    const [writes = 0, syncs = 0] = readFileSync(count, 'utf8').trim().split(' ').map(Number)
    return { writes, syncs, told }
  }

  it('is waited for before each step of a payment is acknowledged', () => {
    const idle = countCalls('0')
    forget()
    const paying = countCalls()
    expect([idle.told, paying.told]).toEqual([0, 40])
    // Four pay at once, so that as many share a sync at most.
    expect(paying.syncs - idle.syncs).toBeGreaterThanOrEqual(paying.told / 4)
  })

  const forget = () => {
    for (const name of ['', '-wal', '-shm', '-journal', '.mark']) rmSync(`${file}${name}`, { force: true })
  }

  it.each([
    ['enospc', 'always', 'no space is left, from the n-th write on'],
    ['enospc', 'once', 'no space is left for one write'],
    ['eio', 'always', 'writes fail from the n-th on'],
    ['eio', 'once', 'one write fails'],
    ['short', 'always', 'writes are cut short'],
    ['fsync', 'always', 'syncs fail from the n-th on'],
    ['fsync', 'once', 'one sync fails, and the next ones say that all is well'],
  ])('%s %s: %s', { timeout: 600_000 }, async (kind, how) => {
    const { writes, syncs, told: all } = countCalls()
    expect(all).toBe(40)
    const calls = kind === 'fsync' ? syncs : writes
    const step = Math.max(1, calls / PLACES)
    const stopped: number[] = []
    for (let at = 1; at <= calls; at += step) {
      forget()
      const told = runPaying([], { LD_PRELOAD: shim, FAULT: `${kind}:${Math.floor(at)}:${how}` })
      if (acknowledged(told) < 40) stopped.push(at)
      await judge(told)
    }
    // A write that is cut short is gone on with; all else stops the paying, but for the calls that come after the last payment.
    if (kind === 'short') expect(stopped).toEqual([])
    else expect(stopped.length).toBeGreaterThan((calls / step) * 0.7)
  })
})

const MOUNT = mountable()

describe.runIf(MOUNT)('a disk of its own', () => {
  const mount = (...args: string[]) => execFileSync('mount', args)
  beforeEach(() => void mount('-t', 'tmpfs', '-o', 'size=1200k', 'purser', folder))
  afterEach(() => void execFileSync('umount', [folder]))

  it('that is full keeps what was acknowledged; with more room paying goes on', async () => {
    const told = runPaying()
    expect(told.find(({ kind }) => kind === 'fault')).toMatchObject({ detail: expect.stringContaining('disk is full') })
    expect(acknowledged(told)).toBeGreaterThan(0)
    mount('-o', 'remount,size=64m', folder)
    await judge(told)
  })

  it('that is full at the start still opens, to be read: nothing is paid, and it says why', async () => {
    mount('-o', 'remount,size=64m', folder)
    const told = runPaying()
    const [session] = told
    const filler = join(folder, 'filler')
    mount('-o', 'remount,size=3m', folder)
    spawnSync('sh', ['-c', `cat /dev/zero > ${filler}`])
    const ledger = await open()
    if (session?.kind !== 'session') throw new Error('there was no session')
    expect(await ledger.session(session.id)).toMatchObject({ id: session.id })
    await expect(ledger.openSession(make.session())).rejects.toMatchObject({ refusal: { code: 'ledger_unavailable' } })
    expect(await ledger.readiness()).toEqual([expect.stringContaining('nothing is paid until it is repaired')])
    await ledger[Symbol.asyncDispose]()
    rmSync(filler)
    await judge(told)
  })

  it('that may only be read is refused at the start with a sentence, and is sound afterwards', async () => {
    mount('-o', 'remount,size=64m', folder)
    const told = runPaying()
    mount('-o', 'remount,ro', folder)
    await expect(open()).rejects.toMatchObject({
      refusal: { code: 'ledger_unavailable', detail: expect.stringContaining('cannot be opened') },
    })
    mount('-o', 'remount,rw', folder)
    await judge(told)
  })
})

/** Whether this user may mount, tried. */
function mountable(): boolean {
  if (process.platform !== 'linux') return false
  const place = mkdtempSync(join(tmpdir(), 'purser-mount-'))
  const may = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'purser', place]).status === 0
  if (may) execFileSync('umount', [place])
  rmSync(place, { recursive: true })
  return may
}

describe('a copy of the ledger', () => {
  it('taken while it is paid from is whole once it is opened, however much of the log it has', async () => {
    await using ledger = await open()
    const { id } = await ledger.openSession(make.session())
    const request = make.request(id, usd(1))
    const result = await ledger.reserve(request)
    if (result.kind !== 'reserved') throw new Error('nothing was reserved')
    await result.reservation.record(authorizationFor(request))
    const copy = join(folder, 'copy.db')
    for (const name of ['', '-wal']) copyFileSync(`${file}${name}`, `${copy}${name}`)
    copyFileSync(`${file}.mark`, `${copy}.mark`)
    await using second = await openSqliteLedger({ file: copy, clock: systemClock, ids: randomIds, runId: randomIds('run') })
    expect(await second.payment(request.paymentId)).toMatchObject({ state: 'unknown' })
  })
})
