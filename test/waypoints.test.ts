import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { passing, WAYPOINTS } from '../src/waypoints.ts'
import { SCENARIOS } from './crash/scenarios.ts'

const ROOT = resolve(import.meta.dirname, '..')
const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'waypoints.ts')
  .map((name) => readFileSync(join(ROOT, 'src', name), 'utf8'))
  .join('\n')

describe('waypoints', () => {
  it('are at least sixty, each with a name of its own', () => {
    expect(WAYPOINTS.length).toBeGreaterThanOrEqual(60)
    expect(new Set(WAYPOINTS).size).toBe(WAYPOINTS.length)
  })

  it('each is passed somewhere in the program', () => {
    expect(WAYPOINTS.filter((name) => !source.includes(`passing('${name}')`))).toEqual([])
  })

  it('docs/failure-modes.md names each, and no other', () => {
    const documented = [...readFileSync(join(ROOT, 'docs/failure-modes.md'), 'utf8').matchAll(/‹([^›]+)›/g)].map(([, name]) => name)
    expect(documented.sort()).toEqual([...WAYPOINTS].sort())
  })

  it('the process can be killed at each', () => {
    expect(Object.keys(SCENARIOS).sort()).toEqual([...WAYPOINTS].sort())
  })

  it('tell whoever listens, and nobody else', () => {
    const heard: unknown[] = []
    const listen = (name: unknown) => void heard.push(name)
    passing('402 read')
    subscribe('purser:waypoint', listen)
    passing('402 read')
    unsubscribe('purser:waypoint', listen)
    passing('402 read')
    expect(heard).toEqual(['402 read'])
  })
})
