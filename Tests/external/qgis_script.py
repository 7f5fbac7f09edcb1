"""What QGIS sees of a server; run by Debian's own Python, which has PyQGIS: questions as JSON on standard input, answers as JSON on standard output."""
import json
import os
import sys
import urllib.parse

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
from qgis.core import (Qgis, QgsApplication, QgsCoordinateReferenceSystem, QgsFeatureRequest, QgsMapRendererSequentialJob, QgsMapSettings, QgsRectangle,  # noqa: E402
                       QgsVectorLayer, QgsVectorTileBasicRenderer, QgsVectorTileLayer, QgsWkbTypes)
from qgis.PyQt.QtCore import QSize  # noqa: E402
from qgis.PyQt.QtGui import QColor  # noqa: E402


def plain(value):
    """Qt's null is None, its dates are texts."""
    if value is None or (hasattr(value, "isNull") and value.isNull()):
        return None
    if hasattr(value, "toString"):
        return value.toString("yyyy-MM-dd" if not hasattr(value, "time") else "yyyy-MM-ddTHH:mm:ss.zzz")
    return value if isinstance(value, (bool, int, float, str, list)) else str(value)


def features(question):
    """A layer as its users open it: name, count, fields, and the features in a rectangle or under an expression."""
    uri = f" pagingEnabled='true' restrictToRequestBBOX='{int('box' in question)}' srsname='{question.get('crs', 'OGC:CRS84')}' typename='{question['layer']}' url='{question['url']}'"
    layer = QgsVectorLayer(uri, question["layer"], "OAPIF")
    if not layer.isValid():
        return {"error": layer.error().message() or layer.dataProvider().error().message()}
    if "subset" in question and not layer.setSubsetString(question["subset"]):
        return {"error": f"subset refused: {question['subset']}"}
    request = QgsFeatureRequest()
    if "box" in question:
        request.setFilterRect(QgsRectangle(*question["box"]))
    if "expression" in question:
        request.setFilterExpression(question["expression"])
    found = [{"geometry": None if each.geometry().isNull() else each.geometry().asWkt(9),
              "properties": {field.name(): plain(each[field.name()]) for field in each.fields()}} for each in layer.getFeatures(request)]
    extent = layer.extent()
    return {"count": layer.featureCount(), "crs": layer.crs().authid(), "kind": QgsWkbTypes.displayString(layer.wkbType()), "found": found,
            "fields": {field.name(): field.typeName() for field in layer.fields()},
            "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()]}


def picture(question):
    """Vector tiles drawn in one colour a kind; how many pixels are not white, and the picture in a file."""
    layer = QgsVectorTileLayer(f"type=xyz&url={urllib.parse.quote(question['tiles'], safe='')}&zmin=0&zmax=16", "tiles")
    if not layer.isValid():
        return {"error": layer.error().message()}
    layer.setRenderer(QgsVectorTileBasicRenderer())
    layer.renderer().setStyles(QgsVectorTileBasicRenderer.simpleStyle(QColor("#446688"), QColor("#112233"), 0.3, QColor("#aa3322"), 0.5, QColor("#228833"), QColor("#000000"), 2))
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    settings.setExtent(QgsRectangle(*question["box"]))
    settings.setOutputSize(QSize(400, 400))
    settings.setBackgroundColor(QColor("white"))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    image.save(question["file"])
    return {"pixels": sum(image.pixelColor(x, y) != QColor("white") for x in range(400) for y in range(400)), "errors": [each.message for each in job.errors()]}


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    answers = {"version": Qgis.QGIS_VERSION, "answers": [{"features": features, "picture": picture}[each["ask"]](each) for each in json.load(sys.stdin)]}
    print("\n" + json.dumps(answers))
    sys.stdout.flush()
    # Qt's objects outlive the application otherwise, and the end is not always a quiet one.
    os._exit(0)
