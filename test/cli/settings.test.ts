import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adminOf, configFile, connectAdmin, hintAtDefaults, readSettings } from '../../src/cli/settings.ts'
import { capturedTerminal } from './captured-terminal.ts'
import { writeConfig } from './running-purser.ts'

describe('settings', () => {
  it('the flag wins over the variable', () => {
    expect(configFile({ config: '/a.yaml' }, { PURSER_CONFIG: '/b.yaml' })).toBe('/a.yaml')
    expect(configFile({}, { PURSER_CONFIG: 'b.yaml' })).toBe(resolve('b.yaml'))
    expect(configFile({}, { PURSER_CONFIG: '' })).toBeUndefined()
  })

  it('without any file the built-in defaults hold, and that is said', async () => {
    const terminal = capturedTerminal()
    const settings = await readSettings({}, terminal)
    expect(settings.file).toBeUndefined()
    expect(settings.config.networks).toEqual([])
    hintAtDefaults(settings, terminal)
    expect(terminal.stderr()).toContain('they pay nothing')
  })

  it('a configuration that cannot be used is a failure that lists every problem', async () => {
    const { configFile: config } = await writeConfig({ mode: 'loose', surprise: true })
    await expect(readSettings({ config }, capturedTerminal())).rejects.toMatchObject({
      name: 'CliFailure',
      message: expect.stringMatching(/mode: [\s\S]*surprise/),
    })
  })

  it('address and token come from the configuration and the data folder', async () => {
    const { configFile: config, folder } = await writeConfig({ admin: { listen: '127.0.0.1:4999' }, dataDir: '.' })
    await writeFile(join(folder, 'admin.token'), 'secret\n')
    const terminal = capturedTerminal()
    expect(await adminOf(await readSettings({ config }, terminal), terminal)).toEqual({ url: 'http://127.0.0.1:4999', token: 'secret' })
  })

  it('the environment wins over the files', async () => {
    const { configFile: config } = await writeConfig()
    const terminal = capturedTerminal({ PURSER_ADMIN_URL: 'http://elsewhere:1', PURSER_ADMIN_TOKEN: 't' })
    expect(await adminOf(await readSettings({ config }, terminal), terminal)).toEqual({ url: 'http://elsewhere:1', token: 't' })
  })

  it('an empty token in the environment never becomes the one of the data folder', async () => {
    const { configFile: config, folder } = await writeConfig({ dataDir: '.' })
    await writeFile(join(folder, 'admin.token'), 'secret\n')
    await expect(connectAdmin({ config }, capturedTerminal({ PURSER_ADMIN_TOKEN: '' }))).rejects.toMatchObject({
      message: 'PURSER_ADMIN_TOKEN is set, and empty.',
      advice: expect.stringContaining('unset it'),
    })
  })

  it('with address and token in the environment no configuration is read', async () => {
    const terminal = capturedTerminal({ PURSER_ADMIN_URL: 'http://elsewhere:1', PURSER_ADMIN_TOKEN: 't', PURSER_CONFIG: '/nowhere.yaml' })
    expect((await connectAdmin({}, terminal)).url).toBe('http://elsewhere:1')
  })

  it('a missing admin token is said with what creates it', async () => {
    const { configFile: config } = await writeConfig()
    await expect(connectAdmin({ config }, capturedTerminal())).rejects.toMatchObject({
      message: expect.stringContaining('There is no admin token at'),
      advice: expect.stringContaining('The first `purser serve` creates it.'),
    })
  })
})
