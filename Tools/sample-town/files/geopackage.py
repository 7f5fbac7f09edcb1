"""GeoPackages, written by GDAL with its clock held still."""
import geopandas
import pyogrio


def write_geopackage(path, layer, crs, shapes, columns):
    """columns: {name: values}"""
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2024-04-01T00:00:00.000Z"})
    frame = geopandas.GeoDataFrame(columns, geometry=list(shapes), crs=crs)
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")
