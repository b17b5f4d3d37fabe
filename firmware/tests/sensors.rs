//! Sensors against a bus that expects every byte.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use mote_firmware::sensor::{AccelerationRange, Adc, AdcChannel, Lis3dh, Lis3dhRange, Lsm6dso, RateRange};
use mote_firmware::{Sensor, SensorFault};

const GONE: ErrorKind = ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address);

fn lis3dh_starts(range_bits: u8) -> Vec<Transaction> {
    vec![
        Transaction::write_read(0x18, vec![0x0f], vec![0x33]),
        Transaction::write(0x18, vec![0x20, 0x57]),
        Transaction::write(0x18, vec![0x23, 0x88 | range_bits << 4]),
    ]
}

#[test]
fn lis3dh_reads_g_in_each_range() {
    // 0x4000 is 1024 counts of 12 bits, 0xc000 as many below zero; one count is 1, 2, 4 or 12 mg.
    let cases = [
        (Lis3dhRange::G2, 0, 1.024),
        (Lis3dhRange::G4, 1, 2.048),
        (Lis3dhRange::G8, 2, 4.096),
        (Lis3dhRange::G16, 3, 12.288),
    ];
    for (range, bits, g) in cases {
        let mut expected = lis3dh_starts(bits);
        expected.push(Transaction::write_read(0x18, vec![0x27], vec![0x0f]));
        expected.push(Transaction::write_read(0x18, vec![0xa8], vec![0x00, 0x40, 0x00, 0xc0, 0x10, 0x00]));
        let mut bus = Mock::new(&expected);
        let mut sensor = Lis3dh::new(bus.clone(), Lis3dh::<Mock>::ADDRESS, range).unwrap();
        let mut sample = [0.0; 3];
        sensor.read(&mut sample).unwrap();
        assert_eq!(sample, [g, -g, g / 1024.0], "{range:?}");
        bus.done();
    }
}

#[test]
fn a_part_that_is_not_ready_gives_no_sample() {
    let mut expected = lis3dh_starts(0);
    expected.push(Transaction::write_read(0x18, vec![0x27], vec![0x07]));
    expected.push(Transaction::write_read(0x18, vec![0x27], vec![0x00]).with_error(GONE));
    let mut bus = Mock::new(&expected);
    let mut sensor = Lis3dh::new(bus.clone(), 0x18, Lis3dhRange::G2).unwrap();
    let mut sample = [0.0; 3];
    assert_eq!(sensor.read(&mut sample), Err(SensorFault::NotReady));
    assert_eq!(sensor.read(&mut sample), Err(SensorFault::Bus));
    assert_eq!(sensor.read(&mut [0.0; 2]), Err(SensorFault::Channels { expected: 3, got: 2 }));
    bus.done();
}

#[test]
fn another_part_is_named_and_a_missing_one_too() {
    let mut bus = Mock::new(&[
        Transaction::write_read(0x18, vec![0x0f], vec![0x44]),
        Transaction::write_read(0x6a, vec![0x0f], vec![0x00]).with_error(GONE),
    ]);
    let other = Lis3dh::new(bus.clone(), 0x18, Lis3dhRange::G2).map(|_| ());
    assert_eq!(other, Err(SensorFault::WrongPart { identity: 0x44 }));
    let missing = Lsm6dso::new(bus.clone(), 0x6a, AccelerationRange::G4, RateRange::Dps2000).map(|_| ());
    assert_eq!(missing, Err(SensorFault::Bus));
    bus.done();
}

#[test]
fn lsm6dso_reads_g_and_radians() {
    let cases = [
        (AccelerationRange::G2, 0x00, 0.061e-3),
        (AccelerationRange::G4, 0x08, 0.122e-3),
        (AccelerationRange::G8, 0x0c, 0.244e-3),
        (AccelerationRange::G16, 0x04, 0.488e-3),
    ];
    let rates = [(RateRange::Dps500, 0x04, 0.0175_f32), (RateRange::Dps2000, 0x0c, 0.07)];
    for (acceleration, bits, g) in cases {
        for (rate, rate_bits, degrees) in rates {
            let mut bus = Mock::new(&[
                Transaction::write_read(0x6a, vec![0x0f], vec![0x6c]),
                Transaction::write(0x6a, vec![0x12, 0x44]),
                Transaction::write(0x6a, vec![0x10, 0x40 | bits]),
                Transaction::write(0x6a, vec![0x11, 0x40 | rate_bits]),
                Transaction::write_read(0x6a, vec![0x1e], vec![0x07]),
                Transaction::write_read(0x6a, vec![0x22], vec![1, 0, 0xff, 0xff, 0, 1, 1, 0, 0xff, 0xff, 0, 0x80]),
            ]);
            let mut sensor = Lsm6dso::new(bus.clone(), Lsm6dso::<Mock>::ADDRESS, acceleration, rate).unwrap();
            let mut sample = [0.0; 6];
            sensor.read(&mut sample).unwrap();
            assert_eq!(sample[..3], [g, -g, g * -32768.0], "{acceleration:?}");
            let radians = degrees.to_radians();
            for (got, count) in sample[3..].iter().zip([1.0, -1.0, 256.0]) {
                assert!((got - count * radians).abs() < 1e-6 * count.abs(), "{rate:?}: {got}");
            }
            bus.done();
        }
    }
}

/// A converter that answers what stands in it.
struct Converter(Option<u16>);

impl AdcChannel for Converter {
    type Error = ();

    fn convert(&mut self) -> Result<u16, ()> {
        self.0.ok_or(())
    }
}

#[test]
fn an_adc_channel_is_a_sensor_of_one() {
    // A thermometer: 10 mV per degree, 500 mV at 0, 3.3 V over 4096 counts; 620 counts at 0.
    let cases = [(620, 0.0), (1240, 620.0 * 0.25), (0, -620.0 * 0.25)];
    for (counts, expected) in cases {
        let mut value = [0.0];
        Adc::new(Converter(Some(counts)), 620, 0.25).read(&mut value).unwrap();
        assert_eq!(value, [expected], "{counts}");
    }
    let mut broken = Adc::new(Converter(None), 0, 1.0);
    assert_eq!(broken.read(&mut [0.0]), Err(SensorFault::Bus));
    assert_eq!(broken.read(&mut [0.0; 2]), Err(SensorFault::Channels { expected: 1, got: 2 }));
}
