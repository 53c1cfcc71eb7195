import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openTeam } from '../../src/workers/team.ts'
import { usd } from '../ledger/fixtures.ts'
import { listen } from '../testnet/doors.ts'
import { connectTo, teamRig } from './team-rig.ts'

describe('a team', () => {
  it('hands connections to its workers in turn, and breaks them off while none serves', async () => {
    await using rig = await teamRig()
    expect(await connectTo(rig.team)).toBe('')
    await rig.begin()
    const answers = [await connectTo(rig.team), await connectTo(rig.team), await connectTo(rig.team), await connectTo(rig.team)]
    expect(answers.sort()).toEqual(['1\n', '1\n', '2\n', '2\n'])
    expect(rig.told).toEqual(['2 up'])
    expect(rig.log.join('')).toBe('{"worker":"begins"}\n{"worker":"begins"}\n')
  })

  it('asks all of them how they are', async () => {
    await using rig = await teamRig()
    await rig.begin()
    await connectTo(rig.team)
    const statuses = await rig.team.statuses()
    expect(statuses.flatMap(({ reasons }) => reasons)).toEqual(['reason of 1', 'reason of 2'])
    const served = statuses.flatMap(({ metrics }) => metrics.flatMap(({ values }) => values.map(({ value }) => value)))
    expect(served.reduce((sum, value) => sum + value)).toBe(1)
  })

  it('takes the port or says why not, before any worker begins', async () => {
    const taken = createServer()
    const port = await listen(taken)
    await using rig = await teamRig()
    const opening = openTeam({
      ...{ workers: 1, main: 'none', listen: { host: '127.0.0.1', port }, ledger: rig.bench.ledger, clock: rig.bench.clock },
      ...{ ids: () => 'run', writeLog: () => undefined, events: { warned: () => {}, workerEnded: () => {}, workersUp: () => {} } },
    })
    await expect(opening).rejects.toMatchObject({ code: 'EADDRINUSE' })
    taken.close()
  })

  it('says why a worker cannot start', async () => {
    await using rig = await teamRig({ env: { STUB: 'cannot' } })
    await expect(rig.begin()).rejects.toThrow(/^Worker [12] cannot start: no key$/)
  })

  it('settles what a worker left behind, replaces it, and keeps what it had counted', async () => {
    await using rig = await teamRig({ workers: 1 })
    await rig.begin()
    await connectTo(rig.team)
    const { ledger, make } = rig.bench
    const { id } = await ledger.openSession(make.session())
    const request = make.request(id, usd(1))
    await ledger.reserve(request, 'run of 1')
    await rig.team.statuses()
    process.kill(rig.team.pids[0] ?? 0, 'SIGKILL')
    await expect.poll(() => rig.told, { timeout: 10_000 }).toEqual(['1 up', '1 ended by SIGKILL', '0 up', '1 up'])
    expect(await ledger.payment(request.paymentId)).toMatchObject({ state: 'void' })
    expect([...ledger.workers]).toEqual(['run of 2'])
    expect(rig.team.past).toMatchObject([{ name: 'served_total', values: [{ value: 1 }] }])
    expect(await connectTo(rig.team)).toBe('1\n')
  })

  it('ends where workers die again and again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'purser-team-'))
    const starts = join(folder, 'starts')
    await using rig = await teamRig({ workers: 1, env: { STUB: 'dies', STUB_STARTS: starts } })
    await rig.begin()
    const failure = await rig.team.failed
    expect(failure.message).toBe('5 workers ended within 60 s, the last one by exit code 3. The log says why.')
    expect((await readFile(starts, 'utf8')).split('\n').filter((line) => line === '1')).toHaveLength(5)
    expect(await connectTo(rig.team).catch(() => 'refused')).not.toContain('1')
    await rm(folder, { recursive: true })
  })

  it('drains: takes nobody any more, and every worker ends by itself', async () => {
    await using rig = await teamRig()
    await rig.begin()
    const { pids } = rig.team
    await rig.team.drain()
    expect(pids).toHaveLength(2)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect(rig.told).toEqual(['2 up'])
  })
})
