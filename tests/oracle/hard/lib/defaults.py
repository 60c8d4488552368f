REGIONS = ["eu", "us"] + ["asia"]
LIMIT = 2**5
