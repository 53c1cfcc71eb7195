import { describe, expect, it } from 'vitest'
import { emptyDatabase } from '../workbench.ts'

describe('fewer pages', () => {
  it('leave rolling sums the index over what was taken back, and none by time', () => {
    const indexes = emptyDatabase().prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'rolling' ORDER BY name")
    expect(indexes.all().map(({ name }) => name)).toEqual(['rolling_void'])
  })
})
