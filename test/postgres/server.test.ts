/** The servers that other tests rely on: what they promise. */
import { spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { startPair } from './pair.ts'
import { startPostgres } from './server.ts'

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a server for tests', () => {
  it('keeps what was committed when all its processes are killed', async () => {
    await using server = await startPostgres()
    await server.query('CREATE TABLE kept (n int)')
    await server.query('INSERT INTO kept VALUES (1)')
    await server.kill()
    expect(server.running).toBe(false)
    await server.restart()
    expect(await server.query('SELECT n FROM kept')).toEqual([{ n: 1 }])
  })

  it('has its disk wait for what it commits', async () => {
    await using server = await startPostgres()
    expect(await server.query('SHOW fsync')).toEqual([{ fsync: 'on' }])
  })

  it('takes its processes and its folder with it', async () => {
    const server = await startPostgres()
    const { folder } = server.place
    const [row] = await server.query('SELECT pg_backend_pid() AS pid')
    await server[Symbol.asyncDispose]()
    expect(existsSync(folder)).toBe(false)
    expect(isRunning(Number(row?.pid))).toBe(false)
  })

  it('ends when the process that runs the tests is killed', async () => {
    const program = `import { startPostgres } from ${JSON.stringify(join(import.meta.dirname, 'server.ts'))}
      const server = await startPostgres()
      console.log(server.pid, server.place.folder)
      setInterval(() => {}, 1000)`
    const runner = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const said = Promise.withResolvers<string>()
    runner.stdout.setEncoding('utf8').once('data', said.resolve)
    const [started = '', folder = ''] = (await said.promise).trim().split(' ')
    const pid = Number(started)
    expect(isRunning(pid)).toBe(true)
    runner.kill('SIGKILL')
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 10_000, interval: 20 })
    rmSync(folder, { recursive: true })
  })
})

describe('a pair for tests', () => {
  it('loses nothing that was acknowledged when the primary waits for its standby', async () => {
    await using pair = await startPair({ synchronous: true })
    await pair.primary.query('CREATE TABLE kept (n int)')
    await pair.primary.query('INSERT INTO kept VALUES (1)')
    await pair.killPrimary()
    await pair.promote()
    expect(await pair.standby.query('SELECT n FROM kept')).toEqual([{ n: 1 }])
    expect(await pair.standby.query('SELECT pg_is_in_recovery() AS standby')).toEqual([{ standby: false }])
  })

  it('loses what was acknowledged when the primary does not', async () => {
    await using pair = await startPair({ synchronous: false })
    await pair.primary.query('CREATE TABLE kept (n int)')
    await pair.standbyShows("SELECT 1 WHERE to_regclass('kept') IS NOT NULL")
    await pair.cutOff()
    await pair.primary.query('INSERT INTO kept VALUES (1)')
    await pair.killPrimary()
    await pair.promote()
    expect(await pair.standby.query('SELECT n FROM kept')).toEqual([])
  })
})
