import KirchhoffCommand

await Kirchhoff.start()
