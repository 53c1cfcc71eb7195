import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { packageVersion } from '../../src/cli/package-version.ts'

it('is the one that the package says', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  expect(packageVersion()).toBe(version)
})
