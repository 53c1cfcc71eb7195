import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { AdminUnreachable } from '../../src/cli/admin-client.ts'
import { reachPurser } from '../../src/cli/reach.ts'
import { readSettings } from '../../src/cli/settings.ts'
import { capturedTerminal } from './captured-terminal.ts'
import { startPurser, writeConfig } from './running-purser.ts'

const settingsOf = (config: string, env = {}) => readSettings({ config }, capturedTerminal(env))

describe('reach', () => {
  it('takes the running Purser where one answers', async () => {
    await using purser = await startPurser()
    const terminal = capturedTerminal(purser.env)
    await using reached = await reachPurser(await settingsOf(purser.configFile), terminal)
    expect(reached).toMatchObject({ own: false, caFile: purser.app.caFile })
  })

  it('starts one on the loopback where none runs, and ends it again', async () => {
    const { configFile, folder } = await writeConfig({ admin: { listen: '127.0.0.1:1' } })
    const reached = await reachPurser(await settingsOf(configFile), capturedTerminal())
    expect(reached.own).toBe(true)
    expect(reached.admin.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/?$/)
    expect(existsSync(join(folder, 'data', 'purser.db'))).toBe(true)
    await reached[Symbol.asyncDispose]()
    await expect(reached.admin.get('/v1/wallet', z.unknown())).rejects.toBeInstanceOf(AdminUnreachable)
  })

  it('a Purser that was named and does not answer is not replaced', async () => {
    const { configFile } = await writeConfig()
    const terminal = capturedTerminal({ PURSER_ADMIN_URL: 'http://127.0.0.1:1', PURSER_ADMIN_TOKEN: 't' })
    await expect(reachPurser(await settingsOf(configFile), terminal)).rejects.toBeInstanceOf(AdminUnreachable)
  })

  it('a Purser that answers with a refusal is not replaced', async () => {
    await using purser = await startPurser()
    const terminal = capturedTerminal({ ...purser.env, PURSER_ADMIN_TOKEN: 'wrong' })
    await expect(reachPurser(await settingsOf(purser.configFile), terminal)).rejects.toMatchObject({ name: 'CliFailure' })
  })

  it('a data folder that another process owns is left alone, and says how to reach that one', async () => {
    await using purser = await startPurser()
    const env = { PURSER_ADMIN_TOKEN: purser.env.PURSER_ADMIN_TOKEN }
    await expect(reachPurser(await settingsOf(purser.configFile), capturedTerminal(env))).rejects.toMatchObject({
      message: expect.stringContaining('one process owns it'),
      advice: expect.stringContaining('PURSER_ADMIN_URL='),
    })
  })
})
