/** Which Purser this is. */
import { readFileSync } from 'node:fs'
import { PACKAGE_ROOT } from '../package-root.ts'

/** The version in the package's own file. */
export function packageVersion(): string {
  const text = readFileSync(new URL('package.json', PACKAGE_ROOT), 'utf8')
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown'
}
