"""Pictures of a flow's graph as SVG, drawn without a server, a script or a network."""
