import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { PACKAGE_ROOT } from '../src/package-root.ts'

it('is where the package’s own file stands', () => {
  expect(readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')).toContain('"name": "purser"')
})
