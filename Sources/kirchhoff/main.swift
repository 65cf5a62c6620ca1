import KirchhoffCommand

await Kirchhoff.main()
