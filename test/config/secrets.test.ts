import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  fingerprint,
  parseSecret,
  readOrCreateAdminToken,
  readOrCreateKey,
  readOrCreateWalletKey,
  requireVariables,
  resolveKey,
  resolveSecret,
  resolveWalletKey,
  SecretError,
} from '../../src/config/secrets.ts'
import { type Folder, temporaryFolder } from './folder.ts'

let folder: Folder
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder[Symbol.asyncDispose]())

const at = (name: string) => join(folder.path, name)
async function secretFile(name: string, text: string, mode = 0o600): Promise<string> {
  await writeFile(at(name), text)
  await chmod(at(name), mode)
  return at(name)
}

describe('parseSecret', () => {
  it('tells the three forms apart', () => {
    expect(parseSecret('env:KEY_1', '/etc')).toEqual({ kind: 'env', name: 'KEY_1' })
    expect(parseSecret('file:./key', '/etc')).toEqual({ kind: 'file', path: '/etc/key' })
    expect(parseSecret('hunter2', '/etc')).toMatchObject({ kind: 'text' })
  })

  it.each(['', '  ', 'env:', 'env:A B', 'env:1A', 'file:'])('%j is none of them', (text) => {
    expect(parseSecret(text, '/etc')).toBeUndefined()
  })

  it('a text does not show when it is printed', () => {
    const ref = parseSecret('canary', '/etc')
    expect(inspect(ref, { depth: 9, showHidden: true })).not.toContain('canary')
    expect(JSON.stringify(ref)).not.toContain('canary')
  })
})

describe('requireVariables', () => {
  const env = (name: string) => ({ kind: 'env', name }) as const

  it('names all that are not set or empty at once, each once', () => {
    const refs = [env('A'), env('B'), env('SET'), env('C'), env('A'), { kind: 'file', path: '/none' } as const]
    const require = () => requireVariables(refs, { SET: 'x', B: '' })
    expect(require).toThrow('The environment variables A, B and C are not set. Set each to its secret, or name files instead.')
    expect(require).toThrow(SecretError)
  })

  it('says nothing where all are set', () => {
    expect(() => requireVariables([env('A')], { A: 'x' })).not.toThrow()
  })
})

describe('resolveSecret', () => {
  it('reads variables, files and texts', async () => {
    expect(await resolveSecret({ kind: 'env', name: 'KEY' }, { KEY: 'one' })).toBe('one')
    expect(await resolveSecret({ kind: 'file', path: await secretFile('key', 'two\n') }, {})).toBe('two')
    expect(await resolveSecret({ kind: 'text', reveal: () => 'three' }, {})).toBe('three')
  })

  it.each([undefined, ''])('a variable that is %j is refused by its name', async (value) => {
    await expect(resolveSecret({ kind: 'env', name: 'KEY' }, { KEY: value })).rejects.toThrow('The environment variable KEY is not set.')
  })

  it.each([0o644, 0o604, 0o620, 0o602])('a file of mode %o is refused, with what to run', async (mode) => {
    const path = await secretFile('key', 'canary', mode)
    const error = await resolveSecret({ kind: 'file', path }, {}).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(SecretError)
    expect(String(error)).toContain(`${path} is open to others (mode ${mode.toString(8)}). Run: chmod 600 ${path}`)
    expect(String(error)).not.toContain('canary')
  })

  it.each([0o400, 0o600, 0o640])('a file of mode %o is read', async (mode) => {
    expect(await resolveSecret({ kind: 'file', path: await secretFile('key', 'two', mode) }, {})).toBe('two')
  })

  it('files that are missing, empty, too long or no files are refused', async () => {
    const read = (path: string) => resolveSecret({ kind: 'file', path }, {})
    await expect(read(at('none'))).rejects.toThrow(/none cannot be read\. Check that it is there/)
    await expect(read(await secretFile('empty', '\n'))).rejects.toThrow(/is empty/)
    await expect(read(await secretFile('long', 'x'.repeat(65 * 1024)))).rejects.toThrow(/no secret is that long/)
    await mkdir(at('sub'), { mode: 0o700 })
    await expect(read(at('sub'))).rejects.toThrow(SecretError)
  })
})

describe('readOrCreateKey', () => {
  it('makes 32 random bytes once, for this user only, and reads them afterwards', async () => {
    const path = at('deep/er/nonce.key')
    const key = await readOrCreateKey(path)
    expect(key).toHaveLength(32)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(at('deep'))).mode & 0o777).toBe(0o700)
    expect(await readFile(path, 'utf8')).toBe(`${key.toString('hex')}\n`)
    expect(await readOrCreateKey(path)).toEqual(key)
    expect(await readOrCreateKey(at('other.key'))).not.toEqual(key)
  })

  it('of many that start at once all go on with the same key, and nothing else is left', async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => readOrCreateKey(at('race.key'))))
    expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(folder.path)).toEqual(['race.key'])
  })

  it('never replaces a file that it cannot use', async () => {
    const path = await secretFile('broken.key', 'abc')
    await expect(readOrCreateKey(path)).rejects.toThrow(/does not hold a key of 64 hex digits/)
    expect(await readFile(path, 'utf8')).toBe('abc')
    const open = await secretFile('open.key', 'a'.repeat(64), 0o644)
    await expect(readOrCreateKey(open)).rejects.toThrow(/is open to others/)
  })
})

describe('resolveKey', () => {
  const hex = 'Ab'.repeat(32)
  const bytes = Buffer.alloc(32, 0xab)

  it('takes the key from where the configuration says, and makes none then', async () => {
    const path = at('nonce.key')
    expect(await resolveKey({ kind: 'text', reveal: () => hex }, path, {})).toEqual(bytes)
    expect(await resolveKey({ kind: 'env', name: 'K' }, path, { K: ` ${hex}\n` })).toEqual(bytes)
    expect(await resolveKey({ kind: 'file', path: await secretFile('shared.key', hex) }, path, {})).toEqual(bytes)
    expect(await readdir(folder.path)).toEqual(['shared.key'])
  })

  it('makes one in the data folder where none is configured, once', async () => {
    const key = await resolveKey(undefined, at('nonce.key'), {})
    expect(await resolveKey(undefined, at('nonce.key'), {})).toEqual(key)
  })

  it('never makes a configured one: another replica would have another', async () => {
    await expect(resolveKey({ kind: 'file', path: at('none.key') }, at('nonce.key'), {})).rejects.toThrow(/none\.key cannot be read/)
    expect(await readdir(folder.path)).toEqual([])
  })

  it.each(['canary', 'ab'.repeat(31), `0x${'ab'.repeat(32)}`])('refuses %j and does not repeat it', async (text) => {
    const refs = [{ kind: 'env', name: 'K' } as const, { kind: 'text', reveal: () => text } as const]
    const named = ['The environment variable K does not hold', 'The key that stands in the configuration does not hold']
    for (const [index, ref] of refs.entries()) {
      const fault = await resolveKey(ref, at('nonce.key'), { K: text }).catch((thrown: unknown) => String(thrown))
      expect(fault).toContain(named[index])
      expect(fault).not.toContain(text)
    }
    const path = await secretFile('bad.key', text)
    await expect(resolveKey({ kind: 'file', path }, at('nonce.key'), {})).rejects.toThrow(`${path} does not hold a key of 64 hex digits`)
  })
})

describe('fingerprints', () => {
  it('are the same for the same secret and use, others for others, and hold nothing of the secret', () => {
    const secret = Buffer.alloc(32, 1)
    expect(fingerprint('nonce key', secret)).toMatch(/^[0-9a-f]{64}$/)
    expect(fingerprint('nonce key', Buffer.from(secret))).toBe(fingerprint('nonce key', secret))
    expect(fingerprint('receipt key', secret)).not.toBe(fingerprint('nonce key', secret))
    expect(fingerprint('nonce key', Buffer.alloc(32, 2))).not.toBe(fingerprint('nonce key', secret))
    expect(fingerprint('wallet', '0xabc')).toBe(fingerprint('wallet', Buffer.from('0xabc')))
    expect(fingerprint('nonce key', secret)).not.toContain(secret.toString('hex').slice(0, 8))
  })
})

describe('readOrCreateAdminToken', () => {
  it('makes a token of 256 bits for a header', async () => {
    const token = await readOrCreateAdminToken(at('admin.token'))
    expect(token).toMatch(/^pat_[A-Za-z0-9_-]{43}$/)
    expect(await readOrCreateAdminToken(at('admin.token'))).toBe(token)
    expect((await stat(at('admin.token'))).mode & 0o777).toBe(0o600)
  })

  it.each(['short', 'two words that are together long enough', 'a'.repeat(31)])(
    'refuses %j, which could be guessed or not be sent',
    async (text) => {
      await expect(readOrCreateAdminToken(await secretFile('admin.token', text))).rejects.toThrow(
        /holds no token of at least 32 characters/,
      )
    },
  )
})

describe('the wallet key', () => {
  it('is made as 0x-hex where there is none', async () => {
    const key = await readOrCreateWalletKey(at('wallet.key'))
    expect(key).toMatch(/^0x[0-9a-f]{64}$/)
    expect(await readOrCreateWalletKey(at('wallet.key'))).toBe(key)
  })

  it('is made only where a file was named', async () => {
    expect(await resolveWalletKey({ kind: 'file', path: at('w.key') }, {})).toMatch(/^0x/)
    expect(await resolveWalletKey({ kind: 'env', name: 'W' }, { W: '0x01' })).toBe('0x01')
    await expect(resolveWalletKey({ kind: 'env', name: 'W' }, {})).rejects.toThrow(SecretError)
  })

  it('a keystore is given back as it stands', async () => {
    expect(await readOrCreateWalletKey(await secretFile('wallet.json', '{"version":3}\n'))).toBe('{"version":3}')
  })
})
