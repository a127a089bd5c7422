"""A shop with Sorcerer's Eye in it: all of it at /eye/, and one panel of it on the shop's own page."""

from flask import Flask

import eye
import eye.web

app = Flask(__name__)
node = eye.start_node("shop")
app.register_blueprint(eye.web.create_blueprint(node), url_prefix="/eye")


@app.get("/")
def shop() -> str:
    return """<!doctype html><title>Shop</title><h1>Shop</h1>
<script type="module" src="/eye/static/element.js"></script>
<sorcerers-eye src="/eye/" view="nodes" columns="node status cpu memory"></sorcerers-eye>"""


if __name__ == "__main__":
    app.run(port=8000, threaded=True)
