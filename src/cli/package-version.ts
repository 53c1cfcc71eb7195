/** Which Purser this is. */
import { readFileSync } from 'node:fs'

/** The version in the package's own file. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return /"version":\s*"([^"]+)"/.exec(text)?.[1] ?? 'unknown'
}
