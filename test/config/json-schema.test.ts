import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { configJsonSchema } from '../../src/config/json-schema.ts'

const FOLDER = resolve(import.meta.dirname, '../../config')
const published: unknown = JSON.parse(readFileSync(resolve(FOLDER, 'purser.schema.json'), 'utf8'))

describe('configJsonSchema', () => {
  it('is what config/purser.schema.json says', () => {
    expect(configJsonSchema()).toEqual(published)
  })

  it('knows the path of no machine', () => {
    expect(JSON.stringify(published)).not.toContain(process.cwd())
  })

  it.each(['purser.yaml', 'sidecar.yaml', 'reverse.yaml'])('accepts config/%s', (name) => {
    const written: unknown = parse(readFileSync(resolve(FOLDER, name), 'utf8'))
    expect(z.fromJSONSchema(configJsonSchema()).safeParse(written).error).toBeUndefined()
  })

  it('refuses what the program refuses', () => {
    const schema = z.fromJSONSchema(configJsonSchema())
    expect(schema.safeParse({ tiers: { file: 'tiers.yaml' } }).success).toBe(true)
    for (const written of [{ mood: 'good' }, { mode: 'off' }, { proxy: { parent: {} } }, { tiers: [{ name: 'a' }] }]) {
      expect(schema.safeParse(written).success).toBe(false)
    }
  })
})
