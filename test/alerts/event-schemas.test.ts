import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventJsonSchemas } from '../../src/alerts/event-schemas.ts'

describe('schemas of events', () => {
  it.each(Object.entries(eventJsonSchemas()))('config/events/%s.schema.json is the schema that the code has', (name, schema) => {
    const file = resolve(import.meta.dirname, `../../config/events/${name}.schema.json`)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(schema)
  })
})
