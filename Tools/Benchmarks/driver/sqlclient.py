"""Asks PostgreSQL for tiles over connections that stay open, the statement prepared: PostGIS with as little around it as can be. Run by tipg's Python, for its asyncpg.

    sqlclient.py ADDRESS CONNECTIONS MARGIN < tiles        one line of JSON, as `kasane-bench requests` prints it
    sqlclient.py ADDRESS CONNECTIONS MARGIN FOLDER < tiles  also writes each tile there, as zoom-column-row.mvt

MARGIN: features are selected by the tile and so many grid units around it; all are cut 64 units outside.
"""
import asyncio
import json
import pathlib
import sys
import time

import asyncpg

COLUMNS = "select column_name from information_schema.columns where table_name = 'buildings' and column_name not in ('fid', 'geom') order by ordinal_position"
TILE = """select st_asmvt(tile, 'buildings', 4096, 'shape', 'fid') from (
    select st_asmvtgeom(st_transform(geom, 3857), st_tileenvelope($1, $2, $3), 4096, 64, true) as shape, fid, {columns}
    from buildings where geom && st_transform(st_tileenvelope($1, $2, $3, margin => {margin}), 4326)) tile where shape is not null"""


async def main(address, connections, margin, folder=None):
    tiles = [tuple(map(int, line.split())) for line in sys.stdin]
    pool = [await asyncpg.connect(address) for _ in range(int(connections))]
    names = [record[0] for record in await pool[0].fetch(COLUMNS)]
    text = TILE.format(columns=", ".join('"' + name.replace('"', '""') + '"' for name in names), margin=float(margin) / 4096)
    statements = [await connection.prepare(text) for connection in pool]
    waiting, times, sizes, errors = iter(tiles), [], [], 0

    async def work(statement):
        nonlocal errors
        for tile in waiting:
            start = time.perf_counter()
            data = await statement.fetchval(*tile)
            times.append(1000 * (time.perf_counter() - start))
            sizes.append(len(data))
            errors += not data
            if folder:
                (pathlib.Path(folder) / "{}-{}-{}.mvt".format(*tile)).write_bytes(data)

    start = time.perf_counter()
    await asyncio.gather(*map(work, statements))
    seconds = time.perf_counter() - start
    times.sort()
    part = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    print(json.dumps({"requests": len(times), "errors": errors, "seconds": seconds, "bytes": sum(sizes), "p50": part(0.5), "p95": part(0.95)}))
    for connection in pool:
        await connection.close()


asyncio.run(main(*sys.argv[1:]))
