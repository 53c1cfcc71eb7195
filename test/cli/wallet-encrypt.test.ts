import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseKey } from '../../src/wallet/local-key.ts'
import { parseSeed } from '../../src/wallet/seed.ts'
import { runHere, writeConfig } from './running-purser.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}`
const WORDS = `${'abandon '.repeat(11)}about`

async function encrypted(text: string, password = 'env:PASSWORD') {
  const { folder, configFile } = await writeConfig({})
  const file = join(folder, 'secret')
  await writeFile(file, text, { mode: 0o600 })
  const encrypt = () => runHere(['wallet', 'encrypt', file, '--password', password, '--config', configFile], { PASSWORD: 'correct horse' })
  return { folder, file, encrypt, done: await encrypt() }
}

it('a key is in its file under the password afterwards, for this user only, and nowhere else', async () => {
  const { folder, file, encrypt, done } = await encrypted(`${KEY}\n`)
  expect(done.code).toBe(0)
  const text = await readFile(file, 'utf8')
  expect(text.toLowerCase()).not.toContain('c0ffee11')
  expect(parseKey(text, 'correct horse')).toBe(KEY)
  expect(() => parseKey(text, 'wrong')).toThrow('password')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await readdir(folder)).filter((name) => name.startsWith('secret'))).toEqual(['secret'])
  expect(await encrypt()).toMatchObject({ code: 1 })
  expect(await readFile(file, 'utf8')).toBe(text)
})

it('a mnemonic becomes the seed that it stands for', async () => {
  const { file } = await encrypted(WORDS)
  expect(parseSeed(await readFile(file, 'utf8'), 'correct horse')).toEqual(parseSeed(WORDS))
})

it.each([
  ['what is no key', 'canary', 'env:PASSWORD'],
  ['a password on the command line', KEY, 'correct horse'],
  ['a password that is not set', KEY, 'env:OTHER'],
])('%s changes nothing', async (_, text, password) => {
  const { file, done } = await encrypted(text, password)
  expect(done.code).toBe(1)
  expect(done.out + done.err).not.toContain('canary')
  expect(await readFile(file, 'utf8')).toBe(text)
})
